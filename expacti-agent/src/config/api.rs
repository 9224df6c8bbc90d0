//! `[api]`: where the interface is served, and to whom.

use std::net::SocketAddr;
use std::path::PathBuf;

use expacti_core::rules::read::Table;

use super::{read, with};
use crate::api::{ApiConfig, OWN_SOCKET, SOCKET, TcpConfig};

pub(super) const KEYS: [&str; 9] = [
    "socket",
    "own_socket",
    "tcp",
    "tls_certificate",
    "tls_key",
    "hosts",
    "root_is_admin",
    "requests_per_second",
    "burst",
];

/// The interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiSettings {
    /// The Unix socket for humans.
    pub(crate) socket: PathBuf,
    /// The one for agents, about themselves; none: not served.
    pub(crate) own_socket: Option<PathBuf>,
    /// An address to serve over TCP; none: not served.
    pub(crate) tcp: Option<SocketAddr>,
    /// A PEM file with the certificate chain.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// A PEM file with its key.
    pub(crate) tls_key: Option<PathBuf>,
    /// Host names by which it may be called.
    pub(crate) hosts: Vec<String>,
    /// Root on the socket is an administrator without a token.
    pub(crate) root_is_admin: bool,
    /// Requests that one peer may make in a second, in the long run.
    pub(crate) requests_per_second: u32,
    /// Requests that one peer may make at once.
    pub(crate) burst: u32,
}

impl Default for ApiSettings {
    fn default() -> Self {
        let ApiConfig { hosts, root_is_admin, requests_per_second, burst, .. } = ApiConfig::default();
        Self {
            socket: SOCKET.into(),
            own_socket: Some(OWN_SOCKET.into()),
            tcp: None,
            tls_certificate: None,
            tls_key: None,
            hosts,
            root_is_admin,
            requests_per_second,
            burst,
        }
    }
}

impl ApiSettings {
    pub(super) fn read(&mut self, table: &Table<'_>) {
        table.only(&KEYS);
        read::path(table, "socket", &mut self.socket);
        read::optional_path(table, "own_socket", &mut self.own_socket);
        if let Some(item) = table.get("tcp") {
            match item.text() {
                Some("") => self.tcp = None,
                Some(text) => match text.parse() {
                    Ok(address) => self.tcp = Some(address),
                    Err(_) => item.problem(
                        format!("{text:?} is no address"),
                        "write an IP address and a port: \"127.0.0.1:7443\"",
                    ),
                },
                None => {}
            }
        }
        read::optional_path(table, "tls_certificate", &mut self.tls_certificate);
        read::optional_path(table, "tls_key", &mut self.tls_key);
        if let Some(hosts) = table.get("hosts").and_then(|item| read::texts(&item)) {
            self.hosts = hosts;
        }
        read::switch(table, "root_is_admin", &mut self.root_is_admin);
        read::number(table, "requests_per_second", 1, 1_000_000, &mut self.requests_per_second);
        read::number(table, "burst", 1, 1_000_000, &mut self.burst);
    }

    /// What must fit together once every layer is read. Complains where a layer names one of them.
    pub(super) fn check(&self, table: &Table<'_>) {
        with(table, "api", |table| {
            let half = self.tls_certificate.is_some() != self.tls_key.is_some();
            if half && (table.get("tls_certificate").is_some() || table.get("tls_key").is_some()) {
                table.problem("a certificate needs its key and a key its certificate", "name both files");
            }
            let open =
                self.tcp.filter(|address| !address.ip().is_loopback() && self.tls_certificate.is_none());
            if let (Some(address), Some(item)) = (open, table.get("tcp")) {
                item.problem(
                    format!("{address} is not a loopback address, and what is reviewed may not cross a network in clear"),
                    "name tls_certificate and tls_key, or serve on 127.0.0.1",
                );
            }
        });
    }

    /// How those who ask are treated, on the node of this name.
    pub(crate) fn for_callers(&self, node: String) -> ApiConfig {
        ApiConfig {
            node,
            hosts: self.hosts.clone(),
            root_is_admin: self.root_is_admin,
            requests_per_second: self.requests_per_second,
            burst: self.burst,
        }
    }

    /// The TCP address with its certificate, where it is served.
    pub(crate) fn for_tcp(&self) -> Option<TcpConfig> {
        let tls = self.tls_certificate.clone().zip(self.tls_key.clone());
        self.tcp.map(|address| TcpConfig { address, tls })
    }
}
