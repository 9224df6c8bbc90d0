use crate::request::ExecRequest;
use crate::tools::Tools;

fn shell(text: &str) -> ExecRequest {
    ExecRequest { argv: vec!["sh".into(), "-c".into(), text.into()], ..ExecRequest::default() }
}

#[test]
fn given_scores() {
    let tools = Tools::embedded();
    let wrong: Vec<String> = [
        ("git status", 5),
        ("npm test", 10),
        ("git push origin main", 45),
        ("kubectl delete deployment/api", 98),
    ]
    .into_iter()
    .filter_map(|(text, expected)| {
        let assessment = super::assess(&shell(text), &tools);
        let score = assessment.score;
        (score != expected).then(|| format!("{text}: {score}, given {expected}: {:?}", assessment.factors))
    })
    .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
