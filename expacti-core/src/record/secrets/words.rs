//! Secrets that only their place among other words gives away.

use std::ops::Range;

use super::table::{self, Part, TOOL_FLAGS};
use crate::untrusted::Untrusted;

/// Where a secret stands.
pub(super) struct Secret {
    /// In which word of the argv.
    pub(super) word: usize,
    /// Where in it.
    pub(super) range: Range<usize>,
    /// What kind.
    pub(super) name: &'static str,
}

/// A piece between spaces: `sh -c 'mysql -pX'` is looked through like `mysql -pX`.
struct Piece<'a> {
    word: usize,
    start: usize,
    bytes: &'a [u8],
    /// Nothing but this piece and what follows it is in its word.
    first: bool,
}

/// Every secret that follows a flag, in order.
pub(super) fn secrets(argv: &[Untrusted]) -> Vec<Secret> {
    let pieces = pieces(argv);
    let mut found: Vec<Secret> = Vec::new();
    let mut tool: Option<&str> = None;
    let mut subcommands: Vec<&[u8]> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if let Some(name) = tool_of(piece.bytes) {
            (tool, subcommands) = (Some(name), Vec::new());
            continue;
        }
        let next = pieces.get(index + 1);
        if !piece.bytes.starts_with(b"-") {
            subcommands.push(piece.bytes);
        } else if table::is_secret_flag(piece.bytes) {
            found.extend(next.filter(|next| !next.bytes.starts_with(b"-")).map(|next| whole(next, argv)));
        } else if let Some(tool) = tool {
            found.extend(tool_flag(tool, &subcommands, piece, next, argv));
        }
    }
    found.retain(|secret| table::is_worth_masking(&argv[secret.word].as_bytes()[secret.range.clone()]));
    found
}

fn tool_of(bytes: &[u8]) -> Option<&'static str> {
    let base = bytes.rsplit(|&b| b == b'/').next()?;
    TOOL_FLAGS.iter().flat_map(|(tools, ..)| *tools).find(|tool| tool.as_bytes() == base).copied()
}

fn tool_flag(
    tool: &str,
    subcommands: &[&[u8]],
    piece: &Piece<'_>,
    next: Option<&Piece<'_>>,
    argv: &[Untrusted],
) -> Option<Secret> {
    let matches = |(tools, flag, _): &&(&[&str], &str, Part)| {
        let long = flag.starts_with("--");
        tools.contains(&tool)
            && if long { piece.bytes == flag.as_bytes() } else { piece.bytes.starts_with(flag.as_bytes()) }
    };
    let (_, flag, part) = TOOL_FLAGS.iter().find(matches)?;
    let joined = (piece.bytes.len() > flag.len()).then(|| piece_from(piece, flag.len()));
    match part {
        Part::Joined => joined,
        Part::JoinedOrNext => joined.or_else(|| next.map(|next| whole(next, argv))),
        Part::NextAfter(subcommand) => {
            let here = subcommands.contains(&subcommand.as_bytes());
            next.filter(|_| here && joined.is_none()).map(|next| whole(next, argv))
        }
        Part::Behind(mark) => {
            let target = joined.or_else(|| next.map(|next| whole(next, argv)))?;
            let bytes = &argv[target.word].as_bytes()[target.range.clone()];
            let behind = bytes.iter().position(|b| b == mark)? + 1;
            Some(Secret { range: target.range.start + behind..target.range.end, ..target })
        }
    }
}

fn piece_from(piece: &Piece<'_>, skip: usize) -> Secret {
    let range = piece.start + skip..piece.start + piece.bytes.len();
    Secret { word: piece.word, range, name: "flag" }
}

/// All of the next word; in a text only up to the next space, without quotes around it.
fn whole(piece: &Piece<'_>, argv: &[Untrusted]) -> Secret {
    if piece.first {
        return Secret { word: piece.word, range: 0..argv[piece.word].len(), name: "flag" };
    }
    let quote = |b: Option<&u8>| matches!(b, Some(b'"' | b'\''));
    let mut secret = piece_from(piece, 0);
    if quote(piece.bytes.first()) && piece.bytes.len() > 1 {
        secret.range.start += 1;
    }
    if quote(piece.bytes.last()) && secret.range.len() > 1 {
        secret.range.end -= 1;
    }
    secret
}

fn pieces(argv: &[Untrusted]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for (word, text) in argv.iter().enumerate() {
        let (mut start, mut first) = (0, true);
        for bytes in text.as_bytes().split(u8::is_ascii_whitespace) {
            if !bytes.is_empty() {
                pieces.push(Piece { word, start, bytes, first });
                first = false;
            }
            start += bytes.len() + 1;
        }
    }
    pieces
}
