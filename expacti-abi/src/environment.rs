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

/// [`NAMES`] as the kernel compares them.
pub const PREFIXES: [Prefix; NAMES.len()] = {
    let mut prefixes = [Prefix { word: 0, mask: 0 }; NAMES.len()];
    let mut i = 0;
    while i < NAMES.len() {
        prefixes[i] = prefix(NAMES[i].as_bytes());
        i += 1;
    }
    prefixes
};

/// One bit for each first byte that any of [`NAMES`] has: most variables are passed over by this alone.
pub const FIRST_BYTES: [u64; 4] = {
    let mut bits = [0_u64; 4];
    let mut i = 0;
    while i < NAMES.len() {
        let first = NAMES[i].as_bytes()[0];
        bits[(first >> 6) as usize] |= 1 << (first & 63);
        i += 1;
    }
    bits
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
    fn first_bytes_pass_over_nothing_that_matters() {
        for name in NAMES {
            let first = name.as_bytes()[0];
            assert_ne!(FIRST_BYTES[usize::from(first >> 6)] & 1 << (first & 63), 0, "{name}");
        }
    }
}
