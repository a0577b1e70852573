//! What both sides send first: the handshake of RawSocket, or the request and the response of WebSocket.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use wamp_tokio::{Endpoint, proto::transport::rawsocket::MAGIC};

/// The longest one.
const LONGEST: usize = 64 << 10;

/// Reads one, and what came right behind it.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(length) = length(&bytes) {
            let rest = bytes.split_off(length);
            return Ok((bytes, rest));
        }
        if bytes.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the handshake does not end"));
        }
        if from.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed within the handshake"));
        }
    }
}

fn length(bytes: &[u8]) -> Option<usize> {
    if *bytes.first()? == MAGIC {
        return (bytes.len() >= 4).then_some(4);
    }
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

/// A client's request as the router is to get it: for the router's own host and path.
pub(super) fn request(request: &[u8], upstream: &Endpoint) -> Vec<u8> {
    let (Endpoint::WebSocket { address, path } | Endpoint::WebSocketTls { address, path }, Ok(text)) =
        (upstream, std::str::from_utf8(request))
    else {
        return request.to_vec();
    };
    let mut lines = text.split("\r\n").map(str::to_owned).collect::<Vec<_>>();
    if let Some([method, _, version]) =
        lines.first().map(|line| line.split(' ').collect::<Vec<_>>()).as_deref()
    {
        lines[0] = format!("{method} {path} {version}");
    }
    for line in &mut lines {
        if line.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("host:")) {
            *line = format!("Host: {address}");
        }
    }
    lines.join("\r\n").into_bytes()
}

/// A header of a request or a response.
pub(super) fn header<'a>(head: &'a [u8], wanted: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(head).ok()?;
    let mut headers = text.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    headers.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_opening_ends() {
        assert_eq!(length(b""), None);
        assert_eq!((length(&[MAGIC, 0xF1, 0]), length(&[MAGIC, 0xF1, 0, 0, 1])), (None, Some(4)));
        assert_eq!((length(b"GET / HTTP/1.1\r\n\r"), length(b"GET /\r\n\r\nx")), (None, Some(9)));
    }

    #[test]
    fn requests_are_for_the_router() {
        let upstream = "ws://router.example:81/wamp?x".parse().unwrap();
        let sent = b"GET / HTTP/1.1\r\nHOST: localhost:9000\r\nUpgrade: websocket\r\n\r\n";
        let got = request(sent, &upstream);
        let expected = "GET /wamp?x HTTP/1.1\r\nHost: router.example:81\r\nUpgrade: websocket\r\n\r\n";
        assert_eq!(String::from_utf8(got.clone()).unwrap(), expected);
        assert_eq!((header(&got, "upgrade"), header(&got, "origin")), (Some("websocket"), None));
    }
}
