//! The environment variables that matter: they can change what a program does, or what it points at.
//!
//! One table for both sides. The kernel compares at most the first eight bytes, so a longer name stands for all
//! that begin like it: reading one variable too many costs a few nanoseconds, one too few costs the truth.

/// Beginnings of names. One that ends in `=` stands for that very name.
pub const NAMES: [&str; 76] = [
    // The loader and libc.
    "LD_", "GCONV_PA", "GLIBC_TU", "MALLOC_", "NLSPATH=", "LOCPATH=", "RES_OPTI", "HOSTALIA", "RESOLV_H",
    // Shells.
    "BASH_", "ENV=", "ZDOTDIR=", "PROMPT_C", "PS4=", "SHELLOPT", "IFS=", "CDPATH=", "PATH=", "HOME=",
    // Interpreters and runtimes.
    "PYTHON", "PERL", "RUBY", "GEM_", "BUNDLE_", "NODE_", "NPM_CONF", "npm_conf", "JAVA_TOO", "JDK_JAVA",
    "_JAVA_OP", "CLASSPAT", "PHP", "LUA_", "DOTNET_", "RUSTC_WR", "RUSTFLAG", "CARGO_", "GO",
    // Programs that other programs start.
    "GIT_", "SSH_", "PAGER=", "MANPAGER", "LESSOPEN", "LESSCLOS", "EDITOR=", "VISUAL=", "BROWSER=", "SHELL=",
    "CC=", "CXX=", "MAKEFLAG", "SUDO_", "TAR_OPTI", "XARGS_", "DOCKER_", "CONTAINE",
    // Where a command points: data stores, clusters, clouds, stages.
    "DATABASE", "DB_", "PG", "MYSQL_", "MONGO", "REDIS", "KUBE", "HELM_", "AWS_", "AZURE_", "GOOGLE_",
    "CLOUDSDK", "TF_", "RAILS_EN", "RACK_ENV", "APP_ENV=", "DJANGO_S", "VERCEL_", "FLY_", "HEROKU_",
];

/// The beginning of a name as one word and the bits of it that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Prefix {
    /// The first bytes, the first one lowest.
    pub word: u64,
    /// Ones where `word` counts.
    pub mask: u64,
}

/// Most beginnings with the same first byte: as many are compared with a variable.
pub const GROUP: usize = 12;

/// Where [`PREFIXES`] has nothing any more.
const END: u8 = 127;

/// [`NAMES`] as the kernel compares them: those with the same first byte stand together. Behind them is room to read on.
pub const PREFIXES: [Prefix; END as usize + 1 + GROUP] = TABLE.0;

/// Where in [`PREFIXES`] those begin whose first byte this is.
pub const STARTS: [u8; 256] = TABLE.1;

const TABLE: ([Prefix; END as usize + 1 + GROUP], [u8; 256]) = {
    // Nothing is like this one.
    let mut prefixes = [Prefix { word: 1, mask: 0 }; END as usize + 1 + GROUP];
    let mut starts = [END; 256];
    let (mut at, mut first) = (0_u8, 0);
    while first < 256 {
        let start = at;
        let mut i = 0;
        while i < NAMES.len() {
            if NAMES[i].as_bytes()[0] as usize == first {
                prefixes[at as usize] = prefix(NAMES[i].as_bytes());
                at += 1;
            }
            i += 1;
        }
        assert!((at - start) as usize <= GROUP && at <= END, "more names than are compared");
        if at > start {
            starts[first] = start;
        }
        first += 1;
    }
    (prefixes, starts)
};

const fn prefix(name: &[u8]) -> Prefix {
    assert!(!name.is_empty() && name.len() <= 8, "the kernel compares eight bytes");
    let mut word = 0_u64;
    let mut mask = 0_u64;
    let mut i = 0;
    while i < name.len() {
        word |= (name[i] as u64) << (8 * i);
        mask |= 0xff << (8 * i);
        i += 1;
    }
    Prefix { word, mask }
}

/// Whether a variable (`NAME=value`) matters.
pub fn matters(variable: &[u8]) -> bool {
    let word = variable.iter().take(8).rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    PREFIXES.iter().any(|prefix| word & prefix.mask == prefix.word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_what_matters() {
        for yes in [
            "LD_PRELOAD=/x",
            "PATH=/bin",
            "GIT_SSH_COMMAND=x",
            "DATABASE_URL=postgres://",
            "PGHOST=db",
            "ENV=x",
        ] {
            assert!(matters(yes.as_bytes()), "{yes}");
        }
        for no in [
            "LANG=C",
            "PWD=/x",
            "OLDPWD=/y",
            "_=/bin/ls",
            "TERM=xterm",
            "ENVIRON=1",
            "PATHS=1",
            "",
            "L",
            "=x",
        ] {
            assert!(!matters(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn every_name_is_among_those_that_are_compared() {
        for name in NAMES {
            let start = usize::from(STARTS[usize::from(name.as_bytes()[0])]);
            assert!(PREFIXES[start..start + GROUP].contains(&prefix(name.as_bytes())), "{name}");
        }
    }
}
