use super::*;

#[test]
fn every_embedded_file_loads() {
    let tools = Tools::with(&[]).unwrap();
    assert!(tools.find("git").is_some());
    assert!(
        tools.find("python3.12").map(|tool| tool.names.as_slice())
            == tools.find("python").map(|tool| tool.names.as_slice())
    );
}

#[test]
fn a_user_file_says_where_it_is_wrong() {
    let error = Tools::with(&[("mine.toml", "[[tool]]\nnames = [\"x\"]\notherwize = 3\n")]).unwrap_err();
    let error = error.to_string();
    let expected = "mine.toml: TOML parse error at line 3, column 1\n  |\n3 | otherwize = 3\n  | ^^^^^^^^^\nunknown field `otherwize`, expected one of `names`, `values`";
    assert!(error.starts_with(expected), "{error}");
    let points = r#"
        [[tool]]
        names = ["x"]
        otherwise = { id = "x.run", points = 101, categories = ["unknown"], why = "runs" }
    "#;
    assert_eq!(
        Tools::with(&[("mine.toml", points)]).unwrap_err().to_string(),
        "mine.toml: x.run: points must be 0 to 100, not 101"
    );
}
