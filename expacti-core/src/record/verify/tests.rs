use proptest::prelude::*;

use super::*;
use crate::record::chain::{Chain, Draft, Sealed};
use crate::record::entry::{Attempted, BootId, Entry};
use crate::record::signed::NodeKey;

const BOOT: BootId = BootId(9);

fn key() -> NodeKey {
    NodeKey::from_seed(&[1; 32])
}

fn stored(sealed: &Sealed) -> Stored {
    let columns = Columns {
        node: key().node(),
        at: sealed.at,
        kind: sealed.kind.to_owned(),
        attempt: sealed.attempt,
        hash: sealed.hash.0.to_vec(),
    };
    Stored { position: sealed.position, body: sealed.body.as_bytes().to_vec(), columns: Some(columns) }
}

fn attempted(sequence: u64) -> Entry {
    let json = r#"{"pid":1,"ppid":1,"request":{"argv":["git","status"]},"engine":"1","evaluation":{"decision":"allow",
        "score":5,"level":"LOW","categories":[],"factors":[],"decided_by":{"by":"threshold"},"approvals":0,"roles":[],
        "rule_generation":1,"children_ceiling":null}}"#;
    let attempted: Attempted = serde_json::from_str(json).unwrap();
    let attempt = Some(AttemptId { boot: BOOT, sequence });
    Entry {
        at: 100 + i64::try_from(sequence).unwrap(),
        attempt,
        change: Change::Attempted(Box::new(attempted)),
    }
}

fn daemon(change: Change) -> Entry {
    Entry { at: 50, attempt: None, change }
}

/// A chain with these entries; a checkpoint is signed after every fourth and at the end.
fn chain(entries: impl IntoIterator<Item = Entry>) -> Vec<Stored> {
    let mut chain = Chain::new(key().node(), None);
    let start =
        Change::ChainStarted { name: "n".into(), public_key: key().public_hex(), version: "1".into() };
    let mut rows = vec![stored(&chain.seal(&Draft::new(&daemon(start)).unwrap()))];
    let sign = |chain: &mut Chain, rows: &mut Vec<Stored>| {
        let line = key().checkpoint(&chain.head(), 60).to_string();
        rows.push(stored(&chain.seal(&Draft::new(&daemon(Change::Checkpoint { line })).unwrap())));
    };
    for (index, entry) in entries.into_iter().enumerate() {
        rows.push(stored(&chain.seal(&Draft::new(&entry).unwrap())));
        if index % 4 == 3 {
            sign(&mut chain, &mut rows);
        }
    }
    sign(&mut chain, &mut rows);
    rows
}

fn verify(rows: &[Stored], kept: &[Checkpoint]) -> Result<Proven, BadRecord> {
    let mut verifier = Verifier::new(key().node(), None, kept);
    for row in rows {
        verifier.next(row)?;
    }
    verifier.finish()
}

#[test]
fn an_honest_chain_is_proven() {
    let rows = chain((1..=9).map(attempted));
    let proven = verify(&rows, &[]).unwrap();
    assert_eq!((proven.entries, proven.attempts, proven.signed, proven.head.position), (13, 9, 12, 13));
}

#[test]
fn a_missing_number_is_named_unless_a_hole_says_so() {
    let bad = verify(&chain([1, 2, 5].map(attempted)), &[]).unwrap_err();
    assert_eq!((bad.position, matches!(bad.problem, Problem::Gap { from: 3, to: 4 })), (4, true), "{bad}");
    let hole = daemon(Change::Hole { boot: BOOT, from: 3, to: 4, because: "lost".into() });
    let proven = verify(&chain([attempted(1), attempted(2), attempted(5), hole]), &[]).unwrap();
    assert_eq!(proven.holes, 1);
    let late = chain([1, 3, 2].map(attempted));
    assert_eq!(verify(&late, &[]).unwrap().attempts, 3);
    let twice = verify(&chain([1, 1].map(attempted)), &[]).unwrap_err();
    assert!(matches!(twice.problem, Problem::Twice(_)), "{twice}");
}

#[test]
fn a_cut_or_rewritten_chain_shows_against_a_kept_checkpoint() {
    let rows = chain((1..=9).map(attempted));
    let Change::Checkpoint { line } = Envelope::read(&rows[12].body).unwrap().change else { panic!() };
    let kept: Checkpoint = line.parse().unwrap();
    assert_eq!(verify(&rows, std::slice::from_ref(&kept)).unwrap().signed, 12);
    let cut = verify(&rows[..6], std::slice::from_ref(&kept)).unwrap_err();
    assert!(matches!(cut.problem, Problem::CutOff(12)), "{cut}");
    // A full rewrite by somebody who has the node's key.
    let mut other: Vec<Entry> = (1..=9).map(attempted).collect();
    other[4].at += 1;
    let rewritten = chain(other);
    assert!(verify(&rewritten, &[]).is_ok());
    let bad = verify(&rewritten, &[kept]).unwrap_err();
    assert!(matches!(bad.problem, Problem::Rewritten(12)), "{bad}");
}

#[test]
fn a_chain_goes_on_behind_a_tombstone_only() {
    let rows = chain((1..=9).map(attempted));
    let mut verifier = Verifier::new(key().node(), None, &[]);
    rows[..5].iter().for_each(|row| _ = verifier.next(row).unwrap());
    let head = verifier.head();
    let tombstone = Tombstone {
        node: key().node(),
        key: key().public_hex(),
        position: head.position,
        hash: head.hash,
        removed: 5,
        newest: head.at,
        because: "test".into(),
        sequences: verifier.sequences().clone(),
    };
    let Change::Tombstone { statement, signature } = key().tombstone(&tombstone).unwrap() else { panic!() };
    let read = Tombstone::read(&statement, &signature).unwrap();
    let mut rest = Verifier::new(key().node(), Some(&read), &[]);
    rows[5..].iter().for_each(|row| _ = rest.next(row).unwrap());
    assert_eq!(rest.finish().unwrap().first, 6);
    let bad = verify(&rows[5..], &[]).unwrap_err();
    assert!(matches!(bad.problem, Problem::NoBeginning), "{bad}");
    assert!(Tombstone::read(&statement.replace("test", "tost"), &signature).is_err());
}

proptest! {
    #[test]
    fn flipping_any_byte_is_found(row in 0usize..13, at: usize, bit in 0u8..8) {
        let mut rows = chain((1..=9).map(attempted));
        let Stored { position, body, columns } = &mut rows[row];
        let (position, columns) = (*position, columns.as_mut().unwrap());
        let fields = body.len() + 32 + 16 + 8 + columns.kind.len();
        let mut at = at % fields;
        let flip = 1u8 << bit;
        let mut kind = columns.kind.clone().into_bytes();
        let mut time = columns.at.to_le_bytes();
        for field in [&mut body[..], &mut columns.hash[..], &mut columns.node.0[..], &mut time[..], &mut kind[..]] {
            if at < field.len() {
                field[at] ^= flip;
                break;
            }
            at -= field.len();
        }
        columns.at = i64::from_le_bytes(time);
        columns.kind = String::from_utf8_lossy(&kind).into_owned();
        let bad = verify(&rows, &[]).unwrap_err();
        prop_assert_eq!(bad.position, position);
    }

    #[test]
    fn deleting_or_swapping_any_entry_is_found(row in 0usize..12, other in 0usize..13) {
        let rows = chain((1..=9).map(attempted));
        let mut deleted = rows.clone();
        deleted.remove(row);
        prop_assert!(verify(&deleted, &[]).is_err());
        prop_assume!(row != other);
        let mut swapped = rows.clone();
        swapped.swap(row, other);
        prop_assert!(verify(&swapped, &[]).is_err());
        // Also when whoever swapped them put the numbers right.
        for (index, row) in swapped.iter_mut().enumerate() {
            row.position = u64::try_from(index).unwrap() + 1;
        }
        prop_assert!(verify(&swapped, &[]).is_err());
    }
}
