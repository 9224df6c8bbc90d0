//! Secrets are masked before anything is stored.
//!
//! A masked secret becomes `[masked:NAME:FINGERPRINT]`. The fingerprint is keyed, so that equal secrets can be told
//! to be equal, and nobody without the node's key can try passwords against it. The length is not told. An agent can
//! write such text itself; the record's own list `masked` says what really was masked.

use std::hash::Hasher as _;

use regex::bytes::Regex;
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use super::entry::{Attempted, Change, Verdict};
use crate::request::ExecRequest;
use crate::untrusted::Untrusted;

mod table;
mod words;

/// Masks with the key of one node.
#[derive(Clone, Debug)]
pub struct Masker {
    key: [u8; 16],
}

impl Masker {
    /// A masker whose fingerprints belong to `key`.
    pub fn new(key: [u8; 16]) -> Self {
        // Building the patterns takes longer than many execs; not while the first one waits.
        table::build();
        Self { key }
    }

    /// Masks everything in a change that can hold what an agent or a human wrote.
    pub fn mask(&self, change: &mut Change) {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others hold text of expacti itself")]
        match change {
            Change::Attempted(attempted) => self.attempted(attempted),
            Change::Decided(verdict) => self.verdict(verdict),
            Change::Voted { note, .. } | Change::Administered { note, .. } => self.prose(note),
            Change::Alarm { text, .. } => self.prose(text),
            _ => {}
        }
    }

    /// Masks a request, for whoever is shown it before it is stored.
    pub fn request(&self, request: &mut ExecRequest) {
        Found { masker: self, names: Vec::new() }.request(request);
    }

    fn attempted(&self, attempted: &mut Attempted) {
        let mut found = Found { masker: self, names: Vec::new() };
        found.request(&mut attempted.request);
        attempted.masked = found.names;
        for factor in &mut attempted.evaluation.factors {
            self.prose(&mut factor.because);
        }
        if let Some(verdict) = &mut attempted.verdict {
            self.verdict(verdict);
        }
    }

    fn verdict(&self, verdict: &mut Verdict) {
        self.prose(&mut verdict.because);
    }

    fn prose(&self, text: &mut String) {
        let mut masked = Untrusted::from(text.as_str());
        let mut found = Found { masker: self, names: Vec::new() };
        if table::anywhere().is_match(text.as_bytes()) && found.text(&mut masked) {
            // Only ASCII is put in, and whole matches of ASCII patterns are taken out or whole values.
            *text = String::from_utf8_lossy(masked.as_bytes()).into_owned();
        }
    }

    fn marker(&self, name: &str, secret: &[u8]) -> String {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(secret);
        let fingerprint = hasher.finish128().h1 >> 16;
        format!("[masked:{name}:{fingerprint:012x}]")
    }
}

/// One masking under way.
struct Found<'a> {
    masker: &'a Masker,
    names: Vec<String>,
}

impl Found<'_> {
    fn request(&mut self, request: &mut ExecRequest) {
        let mut all = Vec::with_capacity(1024);
        let mut add = |text: &Untrusted| {
            all.extend_from_slice(text.as_bytes());
            all.push(b'\n');
        };
        request.argv.iter().for_each(&mut add);
        request.env.values().for_each(&mut add);
        request.lineage.iter().flat_map(|ancestor| &ancestor.argv).for_each(&mut add);
        request.script.iter().for_each(|script| add(&script.text));
        request.git.iter().filter_map(|git| git.remote.as_ref()).for_each(&mut add);
        let patterns = table::anywhere().is_match(&all);
        let flags = table::flags().is_match(&all);
        if flags {
            self.command(&mut request.argv);
            request.lineage.iter_mut().for_each(|ancestor| self.command(&mut ancestor.argv));
        }
        if patterns {
            request.argv.iter_mut().for_each(|word| _ = self.text(word));
        }
        for (name, value) in &mut request.env {
            if table::is_secret_name(name.as_bytes()) && !value.is_empty() {
                self.whole(&format!("env-{}", name.to_lossy().to_lowercase()), value);
            } else if patterns {
                self.text(value);
            }
        }
        if patterns {
            let lineage = request.lineage.iter_mut().flat_map(|ancestor| &mut ancestor.argv);
            lineage.for_each(|word| _ = self.text(word));
            request.script.iter_mut().for_each(|script| _ = self.text(&mut script.text));
            request.git.iter_mut().filter_map(|git| git.remote.as_mut()).for_each(|url| _ = self.text(url));
        }
    }

    fn whole(&mut self, name: &str, text: &mut Untrusted) {
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        *text = self.masker.marker(&name, text.as_bytes()).into();
        self.names.push(name);
    }

    /// Masks what any pattern finds.
    fn text(&mut self, text: &mut Untrusted) -> bool {
        let before = self.names.len();
        for index in table::set().matches(text.as_bytes()) {
            let (name, pattern) = table::pattern(index);
            self.pattern(name, pattern, text);
        }
        self.names.len() > before
    }

    fn pattern(&mut self, name: &str, pattern: &Regex, text: &mut Untrusted) {
        let ranges: Vec<_> = pattern
            .captures_iter(text.as_bytes())
            .filter_map(|captures| captures.name("secret").map(|secret| secret.range()))
            .filter(|range| table::is_worth_masking(&text.as_bytes()[range.clone()]))
            .collect();
        self.ranges(name, ranges, text);
    }

    fn ranges(&mut self, name: &str, ranges: Vec<std::ops::Range<usize>>, text: &mut Untrusted) {
        if ranges.is_empty() {
            return;
        }
        let bytes = text.as_bytes();
        let (mut masked, mut done) = (Vec::with_capacity(bytes.len()), 0);
        for range in ranges {
            masked.extend_from_slice(&bytes[done..range.start]);
            masked.extend_from_slice(self.masker.marker(name, &bytes[range.clone()]).as_bytes());
            self.names.push(name.to_owned());
            done = range.end;
        }
        masked.extend_from_slice(&bytes[done..]);
        *text = masked.into();
    }

    /// Masks what follows a flag that takes a secret.
    fn command(&mut self, argv: &mut [Untrusted]) {
        // From the back, so that the ranges in front stay right.
        for secret in words::secrets(argv).into_iter().rev() {
            self.ranges(secret.name, vec![secret.range], &mut argv[secret.word]);
        }
    }
}

#[cfg(test)]
mod tests;
