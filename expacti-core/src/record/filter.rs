//! What may be asked of the log, typed.

use super::attempt::State;
use super::words;
use crate::evaluation::Level;

mod time;

/// Which attempts are wanted. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this agent.
    pub agent: Option<String>,
    /// On the node of this name or id.
    pub node: Option<String>,
    /// Not earlier, in microseconds since the epoch.
    pub since: Option<i64>,
    /// Earlier than this.
    pub until: Option<i64>,
    /// At least this risky.
    pub level: Option<Level>,
    /// How it ended.
    pub decision: Option<Wanted>,
    /// Who or what decided: a reviewer's name, `rule:NAME`, or another decider's name with a colon in front.
    pub by: Option<By>,
    /// The executable: a whole path where it has a slash, else the last part of one.
    pub exe: Option<String>,
    /// The working directory, or one above it.
    pub cwd: Option<String>,
    /// These words in a row in the command; the last one may be the beginning of one.
    pub words: Vec<String>,
}

/// How an attempt must have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// In this state.
    State(State),
    /// It waited for humans at some time.
    Held,
    /// It was denied because nobody answered.
    TimedOut,
}

/// Who or what decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// This human voted.
    Reviewer(String),
    /// This decider, by its stable name.
    Decider(String),
}

/// The fields that a filter knows.
pub const FIELDS: [&str; 10] =
    ["agent", "node", "since", "until", "level", "decision", "by", "exe", "cwd", "grep"];

/// Deciders that are no rules and no humans.
const DECIDERS: [&str; 11] = [
    "cache",
    "grant",
    "threshold",
    "anomaly",
    "incomplete",
    "reviewers",
    "timeout",
    "fail-mode",
    "quota",
    "mismatch",
    "observe",
];

/// Why a question cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// No such field.
    #[error("there is no field '{field}'; did you mean '{nearest}'? Fields: {}", FIELDS.join(", "))]
    UnknownField {
        /// What was written.
        field: String,
        /// The field that looks most like it.
        nearest: &'static str,
    },
    /// A value that does not fit its field.
    #[error("{field} cannot be '{value}': {expected}")]
    BadValue {
        /// The field.
        field: &'static str,
        /// What was written.
        value: String,
        /// What could have been.
        expected: &'static str,
    },
    /// A quote without an end.
    #[error("a quote begins at character {0} and does not end")]
    OpenQuote(usize),
    /// A period that ends before it begins.
    #[error("'until' is not later than 'since', so nothing can match")]
    EmptyPeriod,
}

impl Filter {
    /// Reads a question such as `agent:claude level:high since:2h "drop table"`. Words without a field are looked
    /// for in the command. `now` is in microseconds since the epoch.
    pub fn parse(question: &str, now: i64) -> Result<Self, BadFilter> {
        let mut filter = Self::default();
        let mut text = Vec::new();
        for (word, quoted) in split(question)? {
            match word.split_once(':') {
                Some((field, value)) if !quoted => filter.set(field, value, now)?,
                _ => text.push(word),
            }
        }
        if !text.is_empty() {
            filter.set("grep", &text.join(" "), now)?;
        }
        filter.check()?;
        Ok(filter)
    }

    /// Sets one field from text.
    pub fn set(&mut self, field: &str, value: &str, now: i64) -> Result<(), BadFilter> {
        let bad = |field, expected| BadFilter::BadValue { field, value: value.to_owned(), expected };
        let text = |field| {
            let empty = value.is_empty() || value.contains('\0');
            if empty { Err(bad(field, "give some text")) } else { Ok(Some(value.to_owned())) }
        };
        let point = |field| time::parse(value, now).ok_or_else(|| bad(field, time::EXPECTED));
        match field {
            "agent" => self.agent = text("agent")?,
            "node" => self.node = text("node")?,
            "exe" => self.exe = text("exe")?,
            "cwd" if value.starts_with('/') => self.cwd = text("cwd")?,
            "cwd" => return Err(bad("cwd", "give an absolute path")),
            "since" => self.since = Some(point("since")?),
            "until" => self.until = Some(point("until")?),
            "level" => self.level = Some(level(value).ok_or_else(|| bad("level", LEVELS))?),
            "decision" => self.decision = Some(wanted(value).ok_or_else(|| bad("decision", DECISIONS))?),
            "by" => {
                text("by")?;
                self.by = Some(by(value));
            }
            "grep" => {
                self.words = words::of(value).collect();
                if self.words.is_empty() {
                    return Err(bad("grep", "give at least one letter, digit or _"));
                }
            }
            _ => return Err(BadFilter::UnknownField { field: field.to_owned(), nearest: nearest(field) }),
        }
        Ok(())
    }

    /// Refuses what cannot match anything.
    pub fn check(&self) -> Result<(), BadFilter> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if until <= since => Err(BadFilter::EmptyPeriod),
            _ => Ok(()),
        }
    }
}

const LEVELS: &str = "give low, medium, high or critical";
const DECISIONS: &str = "give allowed, denied, held, pending, withdrawn or timeout";

fn level(text: &str) -> Option<Level> {
    let levels = [Level::Low, Level::Medium, Level::High, Level::Critical];
    levels.into_iter().find(|level| level.to_string().eq_ignore_ascii_case(text))
}

fn wanted(text: &str) -> Option<Wanted> {
    Some(match text {
        "allowed" => Wanted::State(State::Allowed),
        "denied" => Wanted::State(State::Denied),
        "pending" => Wanted::State(State::Pending),
        "withdrawn" => Wanted::State(State::Withdrawn),
        "held" => Wanted::Held,
        "timeout" => Wanted::TimedOut,
        _ => return None,
    })
}

fn by(text: &str) -> By {
    match text.strip_prefix(':') {
        Some(decider) => By::Decider(decider.to_owned()),
        None if text.starts_with("rule:") || DECIDERS.contains(&text) => By::Decider(text.to_owned()),
        None => By::Reviewer(text.to_owned()),
    }
}

/// The field with the fewest letters to change.
fn nearest(field: &str) -> &'static str {
    let distance = |other: &str| {
        let (a, b): (Vec<char>, Vec<char>) = (field.chars().take(40).collect(), other.chars().collect());
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, y) in b.iter().enumerate() {
                let change = diagonal + usize::from(x != y);
                diagonal = row[j + 1];
                row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
            }
        }
        row[b.len()]
    };
    FIELDS.iter().min_by_key(|other| distance(other)).copied().unwrap_or("grep")
}

/// Words between spaces; `"..."` keeps spaces, also behind a `field:`. The flag says that it began with a quote.
fn split(question: &str) -> Result<Vec<(String, bool)>, BadFilter> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut open, mut quoted, mut any) = (None, false, false);
    for (at, c) in question.chars().enumerate() {
        match c {
            '"' if open.is_some() => open = None,
            '"' => {
                open = Some(at + 1);
                quoted |= !any;
                any = true;
            }
            c if c.is_whitespace() && open.is_none() => {
                if any {
                    words.push((std::mem::take(&mut word), quoted));
                }
                (quoted, any) = (false, false);
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if let Some(at) = open {
        return Err(BadFilter::OpenQuote(at));
    }
    if any {
        words.push((word, quoted));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000_000_000;

    #[test]
    fn a_question_becomes_a_filter() {
        let question =
            r#"agent:claude level:high decision:denied since:2h cwd:"/srv/my app" "DROP table" by:alice"#;
        let expected = Filter {
            agent: Some("claude".into()),
            level: Some(Level::High),
            decision: Some(Wanted::State(State::Denied)),
            since: Some(NOW - 7_200_000_000),
            cwd: Some("/srv/my app".into()),
            words: vec!["drop".into(), "table".into()],
            by: Some(By::Reviewer("alice".into())),
            ..Filter::default()
        };
        assert_eq!(Filter::parse(question, NOW), Ok(expected));
    }

    #[test]
    fn a_bad_question_says_how_to_mend_it() {
        let cases = [
            (
                "agnet:x",
                "there is no field 'agnet'; did you mean 'agent'? Fields: agent, node, since, until, level, decision, by, exe, cwd, grep",
            ),
            ("level:hihg", "level cannot be 'hihg': give low, medium, high or critical"),
            (
                "decision:yes",
                "decision cannot be 'yes': give allowed, denied, held, pending, withdrawn or timeout",
            ),
            ("a \"b", "a quote begins at character 3 and does not end"),
            ("since:1h until:2h", "'until' is not later than 'since', so nothing can match"),
            ("cwd:srv", "cwd cannot be 'srv': give an absolute path"),
            ("\"!!\"", "grep cannot be '!!': give at least one letter, digit or _"),
            (
                "since:soon",
                "since cannot be 'soon': give an age such as 30m, 2h, 7d or 4w, a day such as 2026-11-20, or a time such as 2026-11-20T10:00Z",
            ),
        ];
        for (question, said) in cases {
            assert_eq!(Filter::parse(question, NOW).unwrap_err().to_string(), said);
        }
    }

    #[test]
    fn deciders_and_people_are_told_apart() {
        assert_eq!(by("alice"), By::Reviewer("alice".into()));
        assert_eq!(by("rule:git"), By::Decider("rule:git".into()));
        assert_eq!(by("timeout"), By::Decider("timeout".into()));
    }

    proptest! {
        #[test]
        fn no_question_panics(question: String) {
            let _ = Filter::parse(&question, NOW);
        }
    }
}
