//! A private view of Debian's archive: other suites than the machine's own, without touching its apt.
//!
//! Signatures are checked with Debian's keyring. The archive's address comes from the machine's own configuration.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};

use crate::cache::Cache;
use crate::process::{find_program, output};

pub(crate) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Suites of Debian's archive, as apt sees them.
pub(crate) struct View {
    folder: PathBuf,
}

/// Views whose lists this process has already brought up to date.
static FRESH: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

impl View {
    /// Where kernels and the guest's user land come from, whatever this machine runs.
    pub(crate) fn of_guest(cache: &Cache) -> Result<Self> {
        let suites = ["bookworm", "bookworm-security", "trixie", "trixie-security", "trixie-backports"];
        Self::open(cache, "guest", &suites.map(str::to_owned))
    }

    /// Where programs that run on this machine come from: its own release, and the backports of it.
    pub(crate) fn of_host(cache: &Cache) -> Result<Self> {
        let Some(release) = debian_release() else {
            bail!("this machine does not run Debian, so packages of it cannot be used here");
        };
        let suites = ["", "-security", "-updates", "-backports"].map(|suffix| format!("{release}{suffix}"));
        Self::open(cache, "host", &suites)
    }

    /// Where the sources of the guest's packages come from.
    pub(crate) fn of_sources(cache: &Cache) -> Result<Self> {
        Self::open(cache, "sources", &["trixie".to_owned()])
    }

    fn open(cache: &Cache, name: &'static str, suites: &[String]) -> Result<Self> {
        for (program, package) in [("apt-get", "apt"), ("dpkg-deb", "dpkg")] {
            if find_program(program).is_none() {
                bail!("{program} is missing: install {package} (other systems than Debian package it, too)");
            }
        }
        if !Path::new(KEYRING).exists() {
            bail!("{KEYRING} is missing: install the package debian-archive-keyring");
        }
        let view = Self { folder: cache.root().join("apt").join(name) };
        let _lock = cache.lock(&format!("apt-{name}"))?;
        let mut fresh = FRESH.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !fresh.contains(&name) {
            fs::create_dir_all(view.folder.join("lists/partial"))?;
            fs::create_dir_all(view.folder.join("cache/archives/partial"))?;
            let mut list = sources(suites)?;
            if name == "sources" {
                list = list.replace("deb [", "deb-src [");
            }
            fs::write(view.folder.join("sources.list"), list)?;
            // A list that cannot be fetched is only a warning to apt, and then no package of it is known.
            let update = ["-o", "APT::Update::Error-Mode=any", "update"];
            output(view.apt("apt-get").args(update)).context(
                "cannot read the lists of Debian's archive (another one can be named with EXPACTI_DEBIAN_MIRROR)",
            )?;
            fresh.push(name);
        }
        Ok(view)
    }

    /// Names of packages that match a pattern, with their versions, oldest first.
    pub(crate) fn newest(&self, pattern: &str) -> Result<String> {
        let names = output(self.apt("apt-cache").args(["search", "--names-only", pattern]))?;
        let mut names: Vec<&str> = names.lines().filter_map(|line| line.split_whitespace().next()).collect();
        names.sort_by_cached_key(|name| numbers(name));
        let newest =
            names.last().with_context(|| format!("Debian's archive has no package {pattern} any more"))?;
        Ok((*newest).to_owned())
    }

    /// Downloads just these packages (`name` or `name=version`), and gives the files.
    pub(crate) fn download(&self, packages: &[&str], folder: &Path) -> Result<Vec<PathBuf>> {
        output(self.apt("apt-get").arg("download").args(packages).current_dir(folder))?;
        debs_in(folder)
    }

    /// Downloads a package and everything it needs that this machine has not.
    pub(crate) fn download_missing(&self, package: &str, folder: &Path) -> Result<Vec<PathBuf>> {
        let archives = folder.join("archives");
        fs::create_dir_all(archives.join("partial"))?;
        let mut apt = self.apt("apt-get");
        apt.arg("-o").arg(format!("Dir::Cache::archives={}", archives.display()));
        // Backports where they have it: a tool of the host may be as new as it gets.
        if let Some(release) = debian_release() {
            apt.arg("-t").arg(format!("{release}-backports"));
        }
        output(apt.args([
            "install",
            "--download-only",
            "--reinstall",
            "--no-install-recommends",
            "-y",
            package,
        ]))?;
        debs_in(&archives)
    }

    /// Downloads packages and everything they need that a system has not, whose list of packages this is.
    pub(crate) fn download_for(
        &self,
        status: &Path,
        packages: &[&str],
        folder: &Path,
    ) -> Result<Vec<PathBuf>> {
        let archives = folder.join("archives");
        fs::create_dir_all(archives.join("partial"))?;
        let mut apt = self.apt("apt-get");
        apt.arg("-o").arg(format!("Dir::Cache::archives={}", archives.display()));
        apt.arg("-o").arg(format!("Dir::State::status={}", status.display()));
        apt.args(["install", "--download-only", "--no-install-recommends", "-y"]);
        output(apt.args(packages))?;
        debs_in(&archives)
    }

    /// Downloads what a package's authors published, without what Debian changes in it, and unpacks it.
    pub(crate) fn source(&self, package: &str, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let fetch = ["source", "--download-only", "--tar-only", package];
        output(self.apt("apt-get").args(fetch).current_dir(folder))?;
        let mut files = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
        // A signature of the authors may lie beside it.
        let tar = files.find(|file| file.extension().is_some_and(|extension| extension != "asc"));
        let tar = tar.with_context(|| format!("no source of {package} came"))?;
        output(Command::new("tar").args(["--strip-components=1", "-xf"]).arg(&tar).arg("-C").arg(folder))?;
        fs::remove_file(tar)?;
        Ok(())
    }

    /// The words of a `sources.list`, for tools that take it.
    pub(crate) fn source_line(suite: &str) -> Result<String> {
        Ok(sources(&[suite.to_owned()])?.trim_end().to_owned())
    }

    fn apt(&self, program: &str) -> Command {
        let folder = self.folder.display();
        let mut command = Command::new(program);
        for option in [
            format!("Dir::Etc::SourceList={folder}/sources.list"),
            format!("Dir::State::Lists={folder}/lists"),
            format!("Dir::Cache={folder}/cache"),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            // The machine's preferences and its locks are not ours.
            "Dir::Etc::Preferences=/dev/null".to_owned(),
            "Dir::Etc::PreferencesParts=/dev/null".to_owned(),
            "Debug::NoLocking=1".to_owned(),
            "APT::Sandbox::User=".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        command.arg("-qq");
        command
    }
}

fn debs_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The digits in a name, so that 6.12.107 comes after 6.12.95.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// The code name of the Debian release that this machine runs, if it runs Debian.
pub(crate) fn debian_release() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let value = |key: &str| {
        text.lines()
            .find_map(|line| Some(line.strip_prefix(key)?.strip_prefix('=')?.trim_matches('"').to_owned()))
    };
    (value("ID")? == "debian").then(|| value("VERSION_CODENAME"))?
}

fn sources(suites: &[String]) -> Result<String> {
    let archive = Archive::known_here()?;
    let mut text = String::new();
    for suite in suites {
        let address =
            if suite.ends_with("-security") { archive.security.as_ref() } else { Some(&archive.main) };
        if let Some(address) = address {
            writeln!(text, "deb [signed-by={KEYRING}] {address} {suite} main")?;
        }
    }
    Ok(text)
}

/// Addresses of Debian's archive.
#[derive(Debug, Default, PartialEq, Eq)]
struct Archive {
    main: String,
    /// Where security updates lie; without it they are left out.
    security: Option<String>,
}

impl Archive {
    /// From `EXPACTI_DEBIAN_MIRROR`, or what this machine's apt uses.
    fn known_here() -> Result<Self> {
        if let Ok(main) = std::env::var("EXPACTI_DEBIAN_MIRROR") {
            return Ok(Self { main, security: None });
        }
        let mut text = fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
        if let Ok(folder) = fs::read_dir("/etc/apt/sources.list.d") {
            let mut files: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
            files.sort();
            for file in files {
                text.push_str("\n\n");
                text.push_str(&fs::read_to_string(file).unwrap_or_default());
            }
        }
        Self::in_sources(&text).context(
            "no Debian archive is known on this machine: say where one is, as an address for apt, with \
             EXPACTI_DEBIAN_MIRROR",
        )
    }

    /// Reads both of apt's formats, one-line and deb822.
    fn in_sources(text: &str) -> Option<Self> {
        let mut found = Vec::new();
        let (mut addresses, mut suites) = (Vec::new(), Vec::new());
        for line in text.lines().chain([""]) {
            let line = line.trim();
            if line.is_empty() {
                for address in addresses.drain(..) {
                    found
                        .extend(suites.iter().map(|suite: &String| (String::clone(&address), suite.clone())));
                }
                suites.clear();
            } else if let Some(value) = line.strip_prefix("URIs:") {
                addresses = value.split_whitespace().map(str::to_owned).collect();
            } else if let Some(value) = line.strip_prefix("Suites:") {
                suites = value.split_whitespace().map(str::to_owned).collect();
            } else if let Some(rest) = line.strip_prefix("deb ") {
                let rest = match rest.trim_start().strip_prefix('[') {
                    Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
                    None => rest,
                };
                let mut words = rest.split_whitespace();
                if let (Some(address), Some(suite)) = (words.next(), words.next()) {
                    found.push((address.to_owned(), suite.to_owned()));
                }
            }
        }
        // Third parties use names of their own; Debian's are these.
        let releases = ["bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable"];
        let main = found.iter().find(|(_, suite)| releases.contains(&suite.as_str()))?.0.clone();
        let security = found.into_iter().find(|(_, suite)| {
            suite.strip_suffix("-security").is_some_and(|release| releases.contains(&release))
        });
        Some(Self { main, security: security.map(|(address, _)| address) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_of_sources_are_understood_and_third_parties_left_out() {
        let expected = Archive { main: "http://a/debian".into(), security: Some("http://a/sec".into()) };
        let deb822 = "Types: deb\nURIs: https://other/apt\nSuites: nodistro\n\n\
                      Types: deb\n# note\nURIs: http://a/debian\nSuites: bookworm bookworm-updates\n\n\
                      Types: deb\nURIs: http://a/sec\nSuites: bookworm-security\n";
        assert_eq!(Archive::in_sources(deb822), Some(Archive { ..expected }));
        let lines = "deb https://other/apt cloud-sdk-bookworm main\n#deb http://b bookworm main\n\
                     deb [signed-by=/k arch=amd64] http://a/debian trixie main\n\
                     deb http://a/sec trixie-security main\n";
        let expected = Archive { main: "http://a/debian".into(), security: Some("http://a/sec".into()) };
        assert_eq!(Archive::in_sources(lines), Some(expected));
        assert_eq!(Archive::in_sources("deb http://archive/ubuntu noble main"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("linux-image-6.12.107+deb13") > numbers("linux-image-6.12.95+deb13"));
    }
}
