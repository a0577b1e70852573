//! Requests of HTTP, as far as a router answers them: WebSockets begin with one, and those who watch over the router send
//! them.
//!
//! A request is read here and not by the WebSocket library, for three reasons: the library takes a slow peer for an attacker
//! by the number of its packets (W-79, fault 24), has larger limits than ours, and closes without an answer when a request
//! is bad (fault 14).

use std::io;

use tungstenite::{
    error::{CapacityError, ProtocolError},
    handshake::{machine::TryParse as _, server::Request},
    http::StatusCode,
};

use super::{
    Socket,
    socket::{linger, read, write_all},
};
use crate::runtime::Runtime;

/// Longest request, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// Most that is read of it at once.
const READ_ROOM: usize = 2 << 10;

/// Why a request is not granted, and what the client is told, if it still listens.
pub(super) struct Refusal {
    pub(super) status: Option<StatusCode>,
    pub(super) why: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status: Some(status), why: why.into() }
    }
}

/// The header that goes with a status, if one does.
pub(super) fn header_of(status: StatusCode) -> Option<(&'static str, &'static str)> {
    match status {
        // RFC 6455, 4.4: a client of another version learns ours.
        StatusCode::UPGRADE_REQUIRED => Some(("Sec-WebSocket-Version", "13")),
        StatusCode::METHOD_NOT_ALLOWED => Some(("Allow", "GET")),
        _ => None,
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self { status: None, why: error.to_string() }
    }
}

impl From<tungstenite::Error> for Refusal {
    fn from(error: tungstenite::Error) -> Self {
        use tungstenite::Error as E;
        let status = match &error {
            E::Protocol(ProtocolError::WrongHttpMethod) => StatusCode::METHOD_NOT_ALLOWED,
            E::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => StatusCode::UPGRADE_REQUIRED,
            E::Capacity(CapacityError::TooManyHeaders) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        let why = match &error {
            // Somebody has opened the address in a browser, say.
            E::Protocol(
                ProtocolError::MissingConnectionUpgradeHeader | ProtocolError::MissingUpgradeWebSocketHeader,
            ) => "this is a WAMP router: it takes WebSockets, and this is a plain request of HTTP".to_owned(),
            error => error.to_string(),
        };
        Self::new(status, why)
    }
}

/// Reads a request, however it is split, and what comes with it.
pub(super) async fn read_request(
    socket: &mut impl Socket,
    mut head: Vec<u8>,
) -> Result<(Request, Vec<u8>), Refusal> {
    if !head.first().is_some_and(u8::is_ascii_uppercase) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "not a request"));
    }
    let mut seen = 0;
    loop {
        // Only the end of a line can be the end of the request.
        if head.get(seen..).unwrap_or_default().contains(&b'\n') {
            if let Some((length, request)) = Request::try_parse(&head)? {
                let rest = head.split_off(length);
                return Ok((request, rest));
            }
        }
        seen = head.len();
        if seen >= MAX_HEAD {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Err(Refusal::new(status, "the request is too long"));
        }
        if read(socket, &mut head, (MAX_HEAD - seen).min(READ_ROOM)).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// Tells a client why not.
pub(super) async fn refuse(
    runtime: &dyn Runtime,
    socket: &mut impl Socket,
    status: StatusCode,
    why: &str,
) -> io::Result<()> {
    respond(runtime, socket, status, "text/plain", &format!("{why}\n")).await
}

/// Answers, and closes the connection.
pub(super) async fn respond(
    runtime: &dyn Runtime,
    socket: &mut impl Socket,
    status: StatusCode,
    content_type: &str,
    body: &str,
) -> io::Result<()> {
    let more = header_of(status).map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status}\r\n{more}Connection: close\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    write_all(socket, response.as_bytes()).await?;
    linger(runtime, socket).await;
    Ok(())
}
