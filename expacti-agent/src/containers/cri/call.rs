//! A call of gRPC: one message there and one back, over HTTP/2.

use std::path::Path;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request};
use h2::client::SendRequest;
use prost::Message;
use tokio::net::UnixStream;

use crate::containers::Unknown;

/// Nothing that is asked here has a longer answer.
const LONGEST: usize = 16 << 20;

/// A connection.
pub(super) struct Channel {
    requests: SendRequest<Bytes>,
}

impl Channel {
    pub(super) async fn open(socket: &Path) -> Result<Self, Unknown> {
        let stream = UnixStream::connect(socket).await.map_err(unknown)?;
        let (requests, connection) = h2::client::handshake(stream).await.map_err(unknown)?;
        // It ends with the last request, or with an error that the request hears of, too.
        tokio::spawn(connection);
        Ok(Self { requests })
    }

    /// Calls a method of the runtime service.
    pub(super) async fn call<A: Message + Default>(
        &mut self,
        method: &str,
        message: &impl Message,
    ) -> Result<A, Unknown> {
        let request = Request::post(format!("http://localhost/runtime.v1.RuntimeService/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .map_err(unknown)?;
        let mut requests = self.requests.clone().ready().await.map_err(unknown)?;
        let (response, mut body) = requests.send_request(request, false).map_err(unknown)?;
        body.send_data(framed(message), true).map_err(unknown)?;

        let response = response.await.map_err(unknown)?;
        // An answer that is nothing but an error comes without a body.
        refused(response.headers())?;
        let mut body = response.into_body();
        let mut answer = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece.map_err(unknown)?;
            body.flow_control().release_capacity(piece.len()).map_err(unknown)?;
            answer.extend_from_slice(&piece);
            if answer.len() > LONGEST {
                return Err(Unknown("its answer has no end".to_owned()));
            }
        }
        refused(&body.trailers().await.map_err(unknown)?.unwrap_or_default())?;
        unframed(&answer)
    }
}

/// A message behind its frame: not compressed, and how long it is.
fn framed(message: &impl Message) -> Bytes {
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], &body].concat().into()
}

fn unframed<A: Message + Default>(answer: &[u8]) -> Result<A, Unknown> {
    let cut = || Unknown("its answer is cut short".to_owned());
    let (head, body) = answer.split_first_chunk::<5>().ok_or_else(cut)?;
    let [compressed, length @ ..] = *head;
    if compressed != 0 {
        return Err(Unknown("its answer is compressed, which nobody asked for".to_owned()));
    }
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(unknown)?;
    A::decode(body.get(..length).ok_or_else(cut)?).map_err(unknown)
}

fn refused(headers: &HeaderMap) -> Result<(), Unknown> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status") {
        None | Some("0") => Ok(()),
        Some(status) => {
            let why = text("grpc-message").unwrap_or("it does not say why");
            Err(Unknown(format!("it refuses with status {status}: {why}")))
        }
    }
}

fn unknown(error: impl std::fmt::Display) -> Unknown {
    Unknown(error.to_string())
}
