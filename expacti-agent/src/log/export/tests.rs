use expacti_core::record::chain::{Chain, Draft, Envelope, NodeId};
use expacti_core::record::{AttemptId, BootId, Change, Entry};
use serde_json::Value;

use super::*;

fn attempt() -> Attempt {
    let json = r#"{"pid":7,"ppid":1,"engine":"0.1.0","request":{"argv":["=cmd|","a\nb","\u202e"],"agent":{"name":"cl\"aude","cgroup":"/x"},
        "exe":{"path":"/usr/bin/git","sha256":"00ff"},"cwd":"/srv/a=b"},
        "evaluation":{"decision":"deny","score":95,"level":"CRITICAL","categories":["vcs"],"factors":[],
        "decided_by":{"by":"threshold"},"approvals":0,"roles":[],"rule_generation":1},
        "verdict":{"allow":false,"decider":{"by":"timeout"},"because":"nobody | answered","held":5}}"#;
    let change = Change::Attempted(Box::new(serde_json::from_str(json).unwrap()));
    let id = AttemptId { boot: BootId(1), sequence: 42 };
    let entry = Entry { at: 1_795_176_000_000_001, attempt: Some(id), change };
    let sealed = Chain::new(NodeId([2; 16]), None).seal(&Draft::new(&entry).unwrap());
    Attempt::fold([Envelope::read(sealed.body.as_bytes()).unwrap()]).unwrap()
}

#[test]
fn a_line_of_csv_reads_back_and_is_no_formula() {
    let names: Vec<&str> = flat::row(&attempt()).iter().map(|(name, _)| *name).collect();
    assert_eq!(names.join(","), csv::head());
    let line = csv::line(&attempt());
    assert!(line.starts_with("00000000-42,0202"), "{line}");
    assert!(
        line.contains(r#","'=cmd|' 'a\nb' '\u{202e}'","#) || line.contains(r"'=cmd|' 'a\nb' '\u{202e}'"),
        "{line}"
    );
    assert!(line.contains(r#","cl""aude","#) || line.contains(r#"cl""aude"#), "{line}");
    assert!(!line.contains('\n') && line.is_ascii());
}

#[test]
fn an_ocsf_event_has_what_its_class_requires() {
    let event: Value = serde_json::from_str(&ocsf::line(&attempt()).unwrap()).unwrap();
    for required in [
        "activity_id",
        "actor",
        "category_uid",
        "class_uid",
        "device",
        "metadata",
        "process",
        "severity_id",
        "time",
        "type_uid",
    ] {
        assert!(!event[required].is_null(), "{required}");
    }
    assert_eq!(
        (&event["type_uid"], &event["action_id"], &event["severity_id"]),
        (&100_701.into(), &2.into(), &5.into())
    );
    assert_eq!(event["process"]["file"]["hashes"][0]["value"], "00ff");
}

#[test]
fn a_cef_line_keeps_its_fields_apart() {
    let line = cef::line(&attempt()).unwrap();
    assert!(line.starts_with("<108>1 2026-11-20T12:00:00.000001Z 0202"), "{line}");
    assert!(line.contains("|exec-denied|exec denied|10|rt=1795176000000 "), "{line}");
    assert!(line.contains(r"filePath=/srv/a\=b ") && line.is_ascii() && !line.contains('\n'), "{line}");
}

#[test]
fn an_otlp_request_has_the_form_of_the_protocol() {
    let request: Value = serde_json::from_str(&otlp::request(&[attempt(), attempt()]).unwrap()).unwrap();
    let records = &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    assert_eq!(records.as_array().unwrap().len(), 2);
    assert_eq!(records[0]["timeUnixNano"], "1795176000000001000");
    assert_eq!(records[0]["severityNumber"], 17);
}

#[cfg(feature = "parquet")]
#[test]
fn a_parquet_file_reads_back() {
    use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut sink = Box::new(parquet::Parquet::new(file.reopen().unwrap()).unwrap());
    sink.take(&[attempt(), attempt()]).unwrap();
    sink.end().unwrap();
    let reader = SerializedFileReader::new(file.reopen().unwrap()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    let text = rows[1].to_string();
    assert!(
        text.contains(r#"id: "00000000-42""#)
            && text.contains("score: 95")
            && text.contains("exit_code: null"),
        "{text}"
    );
}
