//! Which program a command means, whatever its name is written like.

use super::Seen;
use crate::request::ExecRequest;
use crate::tools::Tools;

/// The kernel's limit.
const MAX_PATH: usize = 4096;

/// A program's name after looking through folders, versions and look-alike letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProgramName {
    /// Without folder; ASCII where the letters only look like others.
    pub name: String,
    /// The folder it was called from, where it was.
    pub folder: Option<String>,
    /// Its letters were not those they look like.
    pub looks_alike: bool,
    /// It was called through a path that hides the program (`/proc/self/root/...`, `..`).
    pub disguised: bool,
}

/// Reads the program's name of a command.
pub(crate) fn program_name(seen: &Seen, request: &ExecRequest, tools: &Tools) -> ProgramName {
    let Some(word) = seen.words.first() else { return ProgramName::default() };
    let text = word.text.to_lossy();
    if text.len() > MAX_PATH {
        return ProgramName { name: "(longer than any path)".to_owned(), ..ProgramName::default() };
    }
    let (folder, mut name) = match text.rsplit_once('/') {
        Some((folder, name)) => (Some(folder.to_owned()), name.to_owned()),
        None => (None, text.clone().into_owned()),
    };
    if let Some(stripped) = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".jar")) {
        name = stripped.to_owned();
    }
    // A login shell's first argument begins with a dash.
    if name.len() > 1 && name.starts_with('-') && tools.find(&name[1..]).is_some() {
        name.remove(0);
    }
    let mut looks_alike = false;
    if !name.is_ascii() {
        let plain = skeleton(&name);
        looks_alike = tools.find(&plain).is_some();
        if looks_alike {
            name = plain;
        }
    } else if tools.find(&name).is_none() && tools.find(&name.to_ascii_lowercase()).is_some() {
        name = name.to_ascii_lowercase();
    }
    // What the kernel will execute counts, not what the caller says. A different known program is the truth; multi-call
    // binaries (busybox) are told by the name they are called with.
    if seen.via.is_empty() && request.interpreters.is_empty() {
        let exe = request.exe.path.to_lossy();
        let real = exe.rsplit('/').next().unwrap_or_default();
        if !real.is_empty() && real != name && tools.find(real).is_some() && !is_multi_call(real) {
            let same = tools.find(real).zip(tools.find(&name)).is_some_and(|(a, b)| a.names == b.names);
            if !same {
                real.clone_into(&mut name);
            }
        }
    }
    let disguised = folder.as_deref().is_some_and(|folder| {
        folder.contains("/proc/") && folder.contains("/root")
            || folder.contains("//")
            || folder.contains("/../")
    });
    ProgramName { name, folder, looks_alike, disguised }
}

fn is_multi_call(name: &str) -> bool {
    matches!(name, "busybox" | "toybox" | "coreutils" | "env" | "dash" | "bash")
}

/// Letters of other scripts, and the like, as the ASCII letters that they look like; invisible ones left out.
pub(crate) fn skeleton(text: &str) -> String {
    text.chars()
        .filter_map(|c| {
            Some(match c {
                '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}'
                | '\u{feff}'
                | '\u{ad}' => {
                    return None;
                }
                'а' | 'ɑ' | 'α' | 'ạ' | 'á' | 'à' | 'ä' => 'a',
                'с' | 'ϲ' | 'ç' => 'c',
                'ԁ' | 'ɗ' => 'd',
                'е' | 'ҽ' | 'é' | 'è' | 'ë' | 'ẹ' => 'e',
                'ɡ' | 'ց' => 'g',
                'һ' | 'հ' => 'h',
                'і' | 'ı' | 'ì' | 'í' | 'ї' | 'ɩ' => 'i',
                'ј' | 'ϳ' => 'j',
                'κ' | 'к' => 'k',
                'ӏ' | 'ⅼ' | 'ł' => 'l',
                'м' | 'ⅿ' | 'ṃ' | 'ṁ' => 'm',
                'ո' | 'п' | 'ñ' => 'n',
                'о' | 'ο' | 'օ' | 'ö' | 'ó' | 'ò' | 'ọ' => 'o',
                'р' | 'ρ' => 'p',
                'ԛ' => 'q',
                'г' | 'ř' | 'ṛ' => 'r',
                'ѕ' | 'ś' | 'ş' => 's',
                'т' | 'τ' | 'ţ' => 't',
                'υ' | 'ս' | 'ü' | 'ú' => 'u',
                'ѵ' | 'ν' | 'ⅴ' => 'v',
                'ѡ' | 'ԝ' => 'w',
                'х' | 'χ' | 'ⅹ' => 'x',
                'у' | 'γ' | 'ý' => 'y',
                'ᴢ' | 'ž' => 'z',
                // Full-width and mathematical letters.
                '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
                '\u{1d400}'..='\u{1d6a3}' => {
                    let letter = (u32::from(c) - 0x1d400) % 52;
                    let base =
                        if letter < 26 { u32::from(b'A') + letter } else { u32::from(b'a') + letter - 26 };
                    char::from_u32(base).unwrap_or(c)
                }
                _ => c,
            })
        })
        .collect()
}
