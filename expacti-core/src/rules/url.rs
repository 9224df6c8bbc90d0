//! The host of a URL, for rules that let a tool talk to some hosts only.

/// Where a URL points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UrlHost<'a> {
    /// The host as written.
    pub(crate) host: &'a str,
    /// It is written so plainly that every program reads the same host from it.
    pub(crate) plain: bool,
}

/// Reads the host of `http://` and `https://` URLs, and of what `curl` and `wget` would take for one.
pub(crate) fn url_host(word: &[u8]) -> Option<UrlHost<'_>> {
    let word = std::str::from_utf8(word).ok()?;
    let (scheme, rest) = word.split_once("://").map_or((None, word), |(scheme, rest)| (Some(scheme), rest));
    let known_scheme = scheme.is_some_and(|s| s == "http" || s == "https");
    let (authority, _) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    let (user, host_and_port) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let (host, port) = match host_and_port.strip_prefix('[').and_then(|h| h.split_once(']')) {
        Some((host, port)) => (host, port),
        None => host_and_port.split_at(host_and_port.find(':').unwrap_or(host_and_port.len())),
    };
    if host.is_empty() || host.starts_with('-') {
        return None;
    }
    let plain_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let plain = known_scheme
        && user.is_none()
        && plain_port
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b))
        // curl expands these to several URLs; a backslash ends the host for some readers and not for others.
        && !word.contains(['{', '}', '\\', '\t', '\n', '\r', ' '])
        && !rest.strip_prefix('[').unwrap_or(rest).contains('[');
    Some(UrlHost { host, plain })
}

/// The host of a URL that every program reads alike, in lower case.
pub(crate) fn plain_host(word: &str) -> Option<String> {
    let url = url_host(word.as_bytes()).filter(|url| url.plain)?;
    Some(url.host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_that_nobody_reads_otherwise_is_plain() {
        for (url, host) in [
            ("http://localhost:8080/health", "localhost"),
            ("https://api.example.com?x=1", "api.example.com"),
            ("http://[::1]:3000/", "::1"),
        ] {
            assert_eq!(url_host(url.as_bytes()), Some(UrlHost { host, plain: true }), "{url}");
        }
        for (url, host) in [
            ("http://localhost@evil.com/", "evil.com"),
            ("http://localhost\\@evil.com/", "localhost"),
            ("http://{localhost,evil.com}/", "{localhost,evil.com}"),
            ("localhost:8080/health", "localhost"),
            ("ftp://localhost/", "localhost"),
            ("http://localhost/[1-9]", "localhost"),
            ("http://localhost:x/", "localhost"),
        ] {
            assert_eq!(url_host(url.as_bytes()), Some(UrlHost { host, plain: false }), "{url}");
        }
        assert_eq!(url_host(b"--upload-file"), None);
        assert_eq!(url_host(b"http:///x"), None);
    }
}
