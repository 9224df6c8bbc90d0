//! Just enough HTTP to hand in a message: one POST, one status. No redirect is followed: a message goes where the
//! configuration says and nowhere else.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::Uri;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Posts JSON, and fails unless the answer is a 2xx.
pub(crate) async fn post(url: &Uri, headers: &[(&str, String)], body: &[u8]) -> io::Result<()> {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let secure = url.scheme_str() == Some("https");
    let stream =
        TcpStream::connect((host.as_str(), url.port_u16().unwrap_or(if secure { 443 } else { 80 }))).await?;
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.extend([name, ": ", value.as_str(), "\r\n"]);
    }
    head.push_str("\r\n");
    let message = [head.as_bytes(), body].concat();
    if !secure {
        return exchange(stream, &message).await;
    }
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    exchange(connector()?.connect(name, stream).await?, &message).await
}

/// Whether a message may go there: encrypted, or not out of this host.
pub(crate) fn is_fit(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    !host.is_empty() && (url.scheme_str() == Some("https") || url.scheme_str() == Some("http") && is_here)
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, message: &[u8]) -> io::Result<()> {
    stream.write_all(message).await?;
    stream.flush().await?;
    // "HTTP/1.1 200": whatever else comes is not needed.
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    match status {
        [b'H', b'T', b'T', b'P', b'/', _, _, _, b' ', b'2', _, _] => Ok(()),
        _ => Err(io::Error::other(String::from_utf8_lossy(&status).into_owned())),
    }
}

/// Trusts whom the system trusts.
pub(super) fn connector() -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
