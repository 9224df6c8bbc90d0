//! Calls in program text whose names say that they take something away, whatever the library is.
//!
//! The table of calls (`knowledge/code.toml`) names functions one by one. No table has all of them, but a call named
//! `delete_bucket`, `dropDatabase` or `removeUser` says by itself what it does.

use crate::tools::CallWords;

/// Names of one text that are looked at.
const MAX_NAMES: usize = 4096;
/// Bytes behind a call in which its first argument is looked at.
const MAX_ARGUMENT: usize = 64;

/// Whether `text` calls something whose name says that it destroys.
pub(super) fn destroys(text: &str, known: &CallWords) -> bool {
    names(text).take(MAX_NAMES).any(|(at, name)| {
        let (before, rest) =
            (text.get(..at).unwrap_or_default().trim_end(), text[at + name.len()..].trim_start());
        // `print("delete_x")` only names it; `delete"/x"` is Ruby without parentheses.
        let bare = rest.starts_with(['"', '\'']) && !before.ends_with(['"', '\'']);
        let called = rest.starts_with(['(', '!']) || rest.starts_with("?(") || bare;
        called && says(name, rest, before, known)
    })
}

fn says(name: &str, rest: &str, before: &str, known: &CallWords) -> bool {
    // Its declaration is no call.
    if ["def", "function", "fn", "func", "sub", "defp"].iter().any(|word| before.ends_with(word)) {
        return false;
    }
    let mut parts = super::net::parts(name).skip(1);
    let whole = name.to_ascii_lowercase();
    let (Some(verb), Some(noun)) = (parts.next(), parts.next()) else {
        let verb = known.destroy.contains(&whole) || known.remove.contains(&whole);
        // `bucket.clear!` is Ruby for what cannot be taken back; texts and lists have a `delete!` too.
        let for_good = rest.starts_with('!') && !rest.starts_with("!=") && before.ends_with('.');
        let of_lists = matches!(whole.as_str(), "delete" | "remove" | "reset" | "empty");
        return verb && (takes_a_place(rest) || for_good && !of_lists);
    };
    let begins = known.destroy.contains(&verb) && !known.harmless_nouns.contains(&noun)
        || known.remove.contains(&verb) && known.nouns.contains(&noun);
    // volumeDelete, schema_drop
    let last = super::net::parts(name).last().unwrap_or_default();
    begins || known.destroy.contains(&last) && known.nouns.contains(&verb)
}

/// Whether a call's first argument is a path or an address.
fn takes_a_place(rest: &str) -> bool {
    let end =
        (0..=rest.len().min(MAX_ARGUMENT)).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or_default();
    let argument = rest[..end].trim_start_matches(['(', '!', 'f', 'r', 'b']);
    let argument = argument.split(')').next().unwrap_or_default();
    let argument = argument.trim_start();
    let text = argument.trim_start_matches(['"', '\'', '`']);
    let quoted = text.len() < argument.len();
    quoted
        && (text.starts_with(['/', '~'])
            || text.starts_with("http")
            || text.starts_with("./")
            || text.starts_with("../"))
        || ["HOME", "homedir", "Dir.home", "home()", "Path("].iter().any(|place| argument.contains(place))
}

/// Identifiers of a text and where they begin.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        while bytes.get(at).is_some_and(|byte| !in_name(byte)) {
            at += 1;
        }
        let start = at;
        while bytes.get(at).is_some_and(in_name) {
            at += 1;
        }
        text.get(start..at).filter(|name| !name.is_empty()).map(|name| (start, name))
    })
}

#[cfg(test)]
mod tests {
    use super::destroys;
    use crate::tools::Tools;

    #[test]
    fn names_of_calls_say_what_they_take_away() {
        let tools = Tools::embedded();
        for (text, is) in [
            ("client.delete_bucket(Bucket='x')", true),
            ("db._dropDatabase(\"shop\")", true),
            ("new File(\"/srv/data\").deleteDir()", true),
            ("Net::HTTP.new(\"api.example.com\",443).delete(\"/users/1\")", true),
            ("rm(\"/srv/data\",recursive=true)", true),
            ("api.volumeDelete(id)", true),
            ("names.delete(\"x\")", false),
            ("list.remove(x)", false),
            ("frame.drop_duplicates()", false),
            ("frame.drop(columns=['a'])", false),
            ("def delete_bucket(x): return 1", false),
            ("await rm('/srv', {recursive: true})", true),
            ("print('delete_bucket')", false),
            ("params.delete_if{|x|x}", false),
            ("sys.stdout.flush()", false),
            ("Aws::S3::Bucket.new('x').clear!", true),
            ("name.delete!('x')", false),
        ] {
            assert_eq!(destroys(text, &tools.knowledge().code.words), is, "{text}");
        }
    }
}
