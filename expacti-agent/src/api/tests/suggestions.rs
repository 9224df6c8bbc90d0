//! What the exec log speaks for, and accepting one of it.

use std::sync::{Arc, Mutex};

use expacti_core::docket::Role;
use expacti_core::remember::Suggestion;
use expacti_core::rules::{RuleSet, Source};
use expacti_core::{Tools, assess};
use serde_json::{Value, json};

use super::records::Site;
use super::{ask, code, vote};
use crate::client::{Client, ClientError};
use crate::operations::{Enrolment, OperationError, Operations, Reloaded, Standing, StoredRules};
use crate::wire::AnswerWord;

/// Keeps what is accepted, and does nothing else.
#[derive(Default)]
struct Kept(Mutex<Vec<(Suggestion, String)>>);

impl Operations for Kept {
    fn reload(&self, _: &str) -> Result<Reloaded, OperationError> {
        Ok(Reloaded::default())
    }

    fn enrol(&self, _: Enrolment, _: &str) -> Result<(), OperationError> {
        Ok(())
    }

    fn withdraw(&self, _: &str, _: &str) -> Result<(), OperationError> {
        Ok(())
    }

    fn accept_rule(&self, rule: &Suggestion, by: &str) -> Result<u64, OperationError> {
        self.0.lock().unwrap().push((rule.clone(), by.to_owned()));
        Ok(8)
    }

    fn stored_rules(&self) -> Result<StoredRules, OperationError> {
        Err(OperationError::Failed("nothing is stored here".to_owned()))
    }

    fn edit_rules(&self, _: String, _: &str, _: &str) -> Result<u64, OperationError> {
        Err(OperationError::Failed("nothing is stored here".to_owned()))
    }

    fn standing(&self, _: &str) -> Option<Standing> {
        None
    }

    fn absent(&self) -> Vec<crate::operations::Absent> {
        Vec::new()
    }

    fn unready(&self) -> Option<String> {
        None
    }

    fn metrics(&self) -> String {
        String::new()
    }
}

impl Site {
    async fn tried(&self, reviewer: &Client, argv: &[&str], answer: AnswerWord) {
        let (ticket, voter) = (self.attempt(argv).await, reviewer.clone());
        ask(move || vote(&voter, ticket, answer).unwrap()).await;
    }
}

/// A rule without when it was made and when it ends: it is made anew when it is accepted.
fn undated(rule: &str) -> Vec<&str> {
    let is_date = |line: &&str| line.starts_with("created = ") || line.starts_with("expires = ");
    let (dates, rest): (Vec<_>, Vec<_>) = rule.lines().partition(is_date);
    assert_eq!(dates.len(), 2, "{rule}");
    rest
}

#[tokio::test]
async fn what_humans_approve_again_and_again_becomes_a_rule_by_one_admin() {
    let site = Site::start().await;
    let alice = site.served.reviewer("alice", &[Role::Reviewer]);
    let ada = site.served.reviewer("ada", &[Role::Admin]);
    for branch in ["dev", "main", "dev"] {
        site.tried(&alice, &["git", "push", "origin", branch], AnswerWord::Approve).await;
    }
    site.tried(&alice, &["git", "push", "origin", "release"], AnswerWord::Deny).await;
    site.attempt(&["git", "status"]).await;

    let page = site.get(&alice, "/v1/rules/suggestions?q=agent:claude").await.unwrap();
    assert_eq!((&page["looked_at"], &page["asked"], &page["saved"]), (&json!(5), &json!(4), &json!(3)));
    let one = &page["suggestions"][0];
    assert_eq!(page["suggestions"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(one["pattern"], "git push origin (dev|main)");
    assert_eq!((&one["matched"], &one["approved"], &one["refused"]), (&json!(3), &json!(3), &json!([])));
    assert_eq!(one["beside"][0]["command"], "git push origin release");
    assert_eq!(one["beside"][0]["became"], "refused");
    let tools = Tools::embedded();
    let text = one["text"].as_str().unwrap();
    RuleSet::load(&[Source::file("x", text)], 1, &|request| assess(request, &tools)).unwrap();

    let accept = async |client: &Client, name: &str| {
        let (client, path) = (client.clone(), format!("/v1/rules/suggestions/{name}/accept"));
        ask(move || client.post::<Value>(&path, &json!({ "q": "agent:claude" }))).await
    };
    let name = one["name"].as_str().unwrap();
    assert_eq!(code(accept(&ada, name).await), (503, "not-ready".into()), "nothing is gated");
    let kept = Arc::new(Kept::default());
    site.served.api.operate(kept.clone());
    assert_eq!(code(accept(&alice, name).await), (403, "role-missing".into()));
    assert_eq!(code(accept(&ada, "seen-git-push-0").await), (409, "changed".into()));
    let accepted = accept(&ada, name).await.unwrap();
    assert_eq!((&accepted["name"], &accepted["generation"]), (&json!(name), &json!(8)));
    assert_eq!(undated(accepted["text"].as_str().unwrap()), undated(text));
    let kept = kept.0.lock().unwrap();
    let [(rule, by)] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((rule.name.as_str(), by.as_str()), (name, "ada"));
    assert_eq!(accepted["text"], rule.text, "what is kept is what was answered");
}

#[tokio::test]
async fn a_question_that_hides_refusals_is_refused() {
    let site = Site::start().await;
    let viewer = site.served.reviewer("vera", &[Role::Viewer]);
    let ada = site.served.reviewer("ada", &[Role::Auditor]);
    let asked = async |client: &Client, question: &str| -> Result<Value, ClientError> {
        site.get(client, &format!("/v1/rules/suggestions?q={question}")).await
    };
    assert_eq!(code(asked(&ada, "decision:allowed").await), (422, "bad-input".into()));
    assert_eq!(code(asked(&viewer, "").await), (403, "role-missing".into()));
    assert_eq!(asked(&ada, "since:1h").await.unwrap()["suggestions"], json!([]));
}
