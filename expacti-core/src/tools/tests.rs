use super::*;

fn names<'a>(tools: &'a Tools, name: &str) -> Option<&'a [String]> {
    tools.find(name).map(|tool| tool.names.as_slice())
}

#[test]
fn a_version_at_the_end_of_a_name_is_looked_through() {
    let tools = Tools::embedded();
    assert!(names(&tools, "python").is_some());
    assert_eq!(names(&tools, "python3.12"), names(&tools, "python"));
    assert_eq!(names(&tools, "no-such-program-3"), None);
}

#[test]
fn what_a_user_describes_counts_before_what_is_compiled_in() {
    let mine = |points: u8| {
        format!(
            "[[tool]]\nnames = [\"git\", \"mytool\"]\notherwise = {{ id = \"my.run\", points = {points}, categories = [\"unknown\"], why = \"runs\" }}\n"
        )
    };
    let tools = Tools::with(&[("a.toml", &mine(1)), ("b.toml", &mine(2))]).unwrap();
    for name in ["git", "mytool", "mytool2"] {
        let otherwise = tools.find(name).map(|tool| (tool.otherwise.id.as_str(), tool.otherwise.points));
        assert_eq!(otherwise, Some(("my.run", 2)), "{name}: the later file wins");
    }
    assert_eq!(names(&tools, "hub"), names(&Tools::embedded(), "hub"), "the others keep what they have");
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
