//! Commands and outcomes as people read them. What an agent wrote is escaped here, once, for every face.

use expacti_core::docket::{Answer, Card, CastVote, Outcome, Withdrawal};
use expacti_core::evaluation::{DecidedBy, Evaluation};
use expacti_core::record::secrets::Masker;
use expacti_core::request::ExecRequest;
use expacti_core::untrusted::Untrusted;

use super::{CardView, VoteView};

/// Characters of a command that a list shows.
const IN_A_LIST: usize = 400;

/// How many reasons a list shows.
const REASONS: usize = 3;

/// A command on one line: words that are more than plain letters stand in quotes, so that `"rm" "-rf a"` and
/// `rm -rf a` never look alike. Two commands that differ look different, and a shell that the line is pasted into takes
/// no word for another command: within quotes nothing is expanded. At most `limit` characters, and how many were left out.
pub(crate) fn command_line(argv: &[Untrusted], limit: usize) -> (String, usize) {
    let mut line = String::new();
    let mut left_out = 0;
    for (at, word) in argv.iter().enumerate() {
        let shown = word.to_string();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
        let mut piece = String::new();
        if at > 0 {
            piece.push(' ');
        }
        if !shown.is_empty() && shown.chars().all(plain) {
            piece.push_str(&shown);
        } else {
            piece.push('"');
            for c in shown.chars() {
                // A backslash is escaped already.
                if matches!(c, '"' | '$' | '`') {
                    piece.push('\\');
                }
                piece.push(c);
            }
            piece.push('"');
        }
        // Everything shown is ASCII, so bytes are characters.
        let room = limit.saturating_sub(line.len());
        line.push_str(piece.get(..room.min(piece.len())).unwrap_or_default());
        left_out += piece.len().saturating_sub(room);
    }
    (line, left_out)
}

/// A command for a list, without its secrets. Only its beginning is looked at, however long it is.
pub(crate) fn masked_line(request: &ExecRequest, masker: &Masker) -> (String, usize) {
    let (mut words, mut bytes) = (0, 0);
    for word in &request.argv {
        // Room for the longest secret behind what is shown, so that none is cut in two and missed.
        if bytes > 8 * IN_A_LIST {
            break;
        }
        bytes += word.len();
        words += 1;
    }
    let (head, tail) = request.argv.split_at(words);
    let mut shown = ExecRequest { argv: head.to_vec(), ..ExecRequest::default() };
    masker.request(&mut shown);
    let (line, left_out) = command_line(&shown.argv, IN_A_LIST);
    (line, left_out + tail.iter().map(|word| word.len() + 1).sum::<usize>())
}

/// What made a command wait, in words.
fn decider(evaluation: &Evaluation) -> String {
    match &evaluation.decided_by {
        DecidedBy::Rule { name, because } if because.is_empty() => format!("rule {name}"),
        DecidedBy::Rule { name, because } => format!("rule {name}: {because}"),
        DecidedBy::Anomaly => "unusual for this agent".to_owned(),
        DecidedBy::Grant { ticket } => format!("grant of ticket {ticket}"),
        DecidedBy::Threshold => "its risk score".to_owned(),
        DecidedBy::Incomplete => "the request could not be read whole".to_owned(),
    }
}

/// How a ticket ended, in words.
pub(crate) fn outcome_in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Allowed { reason, .. } => format!("allowed: {reason}"),
        Outcome::Denied { reason, .. } => format!("denied: {reason}"),
        Outcome::TimedOut { reason } => format!("timed out: {reason}"),
        Outcome::Withdrawn { why: Withdrawal::Died } => "withdrawn: the process died".to_owned(),
        Outcome::Withdrawn { why: Withdrawal::Changed } => "withdrawn: the command changed".to_owned(),
        Outcome::Withdrawn { why: Withdrawal::AgentWithdrawn } => {
            "withdrawn: the agent is not gated any more".to_owned()
        }
    }
}

impl CardView {
    /// A card as it is at `now_ms` on the docket's clock.
    pub(crate) fn of(card: &Card, now_ms: u64, masker: &Masker) -> Self {
        let evaluation = &*card.evaluation;
        let (command, left_out) = masked_line(&card.request, masker);
        let mut factors: Vec<_> = evaluation.factors.iter().filter(|factor| factor.points > 0).collect();
        factors.sort_by_key(|factor| std::cmp::Reverse(factor.points));
        Self {
            id: card.id,
            agent: card.agent.clone(),
            digest: card.digest.to_string(),
            newest: card.newest,
            count: card.count as u64,
            approvals: card.approvals,
            roles: evaluation.roles.iter().cloned().collect(),
            always_offered: card.always_offered,
            level: evaluation.level,
            score: evaluation.score,
            decided_by: decider(evaluation),
            because: factors.into_iter().take(REASONS).map(|factor| factor.because.clone()).collect(),
            command,
            command_left_out: left_out as u64,
            waiting_ms: now_ms.saturating_sub(card.opened_ms),
            remaining_ms: card.deadline_ms.saturating_sub(now_ms),
            votes: card.votes.iter().map(VoteView::from).collect(),
        }
    }
}

impl From<&CastVote> for VoteView {
    fn from(vote: &CastVote) -> Self {
        Self {
            name: vote.voter.name.clone(),
            approve: matches!(vote.answer, Answer::Approve(_)),
            note: vote.note.clone(),
            via: vote.via.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(argv: &[&str]) -> String {
        command_line(&argv.iter().map(|word| Untrusted::from(*word)).collect::<Vec<_>>(), 1_000).0
    }

    #[test]
    fn what_is_not_the_same_does_not_look_the_same() {
        assert_eq!(line(&["rm", "-rf", "a"]), "rm -rf a");
        assert_eq!(line(&["rm", "-rf a"]), r#"rm "-rf a""#);
        assert_eq!(line(&["rm", "", "a\" \"b"]), r#"rm "" "a\" \"b""#);
        assert_eq!(line(&["echo", "\u{202e}\u{1b}[2J"]), r#"echo "\u{202e}\u{1b}[2J""#);
    }

    /// The words that a line speaks of, in the notation of `command_line` and `Untrusted`.
    fn read_back(line: &str) -> Vec<Vec<u8>> {
        let mut rest = line.chars().peekable();
        let (mut words, mut quoted) = (vec![Vec::new()], false);
        while let Some(c) = rest.next() {
            let word = words.last_mut().unwrap();
            match c {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(Vec::new()),
                '\\' => match rest.next().unwrap() {
                    'n' => word.push(b'\n'),
                    'r' => word.push(b'\r'),
                    't' => word.push(b'\t'),
                    'x' => {
                        let digits: String = [rest.next().unwrap(), rest.next().unwrap()].iter().collect();
                        word.push(u8::from_str_radix(&digits, 16).unwrap());
                    }
                    'u' => {
                        assert_eq!(rest.next(), Some('{'));
                        let digits: String = rest.by_ref().take_while(|c| *c != '}').collect();
                        let c = char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap();
                        word.extend(c.to_string().bytes());
                    }
                    plain => word.extend(plain.to_string().bytes()),
                },
                plain => word.extend(plain.to_string().bytes()),
            }
        }
        words
    }

    /// Pieces that quoting goes wrong with, and any bytes at all.
    fn word() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            proptest::sample::select(vec![
                &b"\""[..],
                b"'",
                b"\\",
                b"\\\"",
                b"$(x)",
                b"`x`",
                b"${x}",
                b" ",
                b"\n",
                b";",
                b"a"
            ])
            .prop_map(<[u8]>::to_vec),
            proptest::collection::vec(any::<u8>(), 0..4),
        ];
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_line_reads_back_as_the_command_it_is_of(words in proptest::collection::vec(word(), 1..6)) {
            let argv: Vec<Untrusted> = words.iter().map(|word| word.as_slice().into()).collect();
            prop_assert_eq!(read_back(&command_line(&argv, usize::MAX).0), words);
        }
    }

    #[test]
    fn a_shell_that_it_is_pasted_into_expands_nothing() {
        let words = [
            "printf",
            "%s|",
            "$(echo no)",
            "`echo no`",
            "$HOME",
            "a\" ; echo no; \"",
            "\\$HOME",
            "'",
            "*",
            "~",
            "",
            "a\\",
        ];
        let output = std::process::Command::new("sh").arg("-c").arg(line(&words)).output().unwrap();
        let expected: String = words[2..].iter().flat_map(|word| [*word, "|"]).collect();
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let argv = [Untrusted::from("echo"), "x".repeat(100).into(), "rm -rf /".into()];
        let (shown, left_out) = command_line(&argv, 20);
        assert_eq!((shown.len(), left_out), (20, 4 + 101 + 11 - 20));
    }
}
