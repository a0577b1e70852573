//! The opening handshake of a WebSocket at the router.

use tungstenite::{
    handshake::server::{Request, Response, create_response, write_response},
    http::{
        StatusCode,
        header::{COOKIE, HOST, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL},
    },
};
use wamp_proto::{
    channel::Cookie,
    transport::websocket::{self, Subprotocol},
};

use super::{
    Socket,
    gate::Gate,
    http::{Refusal, read_request, refuse},
    socket::write_all,
};
use crate::runtime::Runtime;

/// Most headers of a request.
const MAX_HEADERS: usize = 100;

/// What a client and the router have agreed on.
pub(super) struct Agreed<P> {
    pub(super) subprotocol: Subprotocol,
    pub(super) cookie: Option<Cookie>,
    /// The connection's place among those that are allowed.
    pub(super) place: P,
}

/// Answers a client's request, of which `head` was read already, if `admit` finds a place for it; gives what came after the
/// request, too. The error is the refusal that was sent.
pub(super) async fn upgrade<P>(
    runtime: &dyn Runtime,
    socket: &mut impl Socket,
    head: Vec<u8>,
    gate: &Gate,
    admit: impl FnOnce() -> Option<P>,
) -> Result<(Agreed<P>, Vec<u8>), String> {
    let granted = match read_request(socket, head).await {
        Ok((request, rest)) => grant(&request, gate, admit).and_then(|(response, agreed)| {
            let mut bytes = Vec::new();
            write_response(&mut bytes, &response)?;
            Ok((bytes, agreed, rest))
        }),
        Err(refusal) => Err(refusal),
    };
    match granted {
        Ok((response, agreed, rest)) => {
            write_all(socket, &response).await.map_err(|error| error.to_string())?;
            Ok((agreed, rest))
        }
        Err(Refusal { status, why }) => {
            if let Some(status) = status {
                // The connection is over either way.
                let _ = refuse(runtime, socket, status, &why).await;
            }
            Err(why)
        }
    }
}

/// Grants a request, if `admit` finds a place for it: the answer, and what is agreed on.
pub(super) fn grant<P>(
    request: &Request,
    gate: &Gate,
    admit: impl FnOnce() -> Option<P>,
) -> Result<(Response, Agreed<P>), Refusal> {
    let (subprotocol, response) = negotiate(request, gate)?;
    let full = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many connections");
    let place = admit().ok_or_else(full)?;
    let cookie = request.headers().get(COOKIE).and_then(|value| value.to_str().ok()).map(Cookie::new);
    Ok((response, Agreed { subprotocol, cookie, place }))
}

/// The web pages that may connect (fault 16). A browser says which page is behind a connection, and connects wherever the
/// page says, to this very machine too: without a check, any page could act in the user's name.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    /// Those that are listed.
    pub(super) allowed: Vec<String>,
    /// No others.
    pub(super) strict: bool,
}

impl Origins {
    /// Programs have no origin, and pages of the host that they connect to may.
    fn allow(&self, request: &Request) -> bool {
        let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
        let Some(origin) = text(ORIGIN) else { return true };
        let listed = |allowed: &String| allowed.eq_ignore_ascii_case(origin);
        if self.strict || self.allowed.iter().any(listed) {
            return self.allowed.iter().any(listed);
        }
        let host = |authority: &str| {
            let end = match authority.strip_prefix('[') {
                Some(rest) => rest.find(']').map_or(authority.len(), |end| end + 2),
                None => authority.find(':').unwrap_or(authority.len()),
            };
            authority.get(..end).unwrap_or_default().to_ascii_lowercase()
        };
        let same_host = origin
            .split_once("://")
            .zip(text(HOST))
            .is_some_and(|((_, origin), target)| !origin.is_empty() && host(origin) == host(target));
        same_host || self.allowed.iter().any(|allowed| allowed == "*")
    }
}

/// Chooses the sub-protocol; without a WAMP sub-protocol there is no connection (W-43, fault 13).
fn negotiate(request: &Request, gate: &Gate) -> Result<(Subprotocol, Response), Refusal> {
    if request.headers().len() > MAX_HEADERS {
        let why = "the request has too many headers";
        return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, why));
    }
    let mut response = create_response(request)?;
    if !gate.origins.allow(request) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "pages of this origin may not connect"));
    }
    let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let offered = offered.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    let subprotocol = websocket::select(&offered, &gate.subprotocols).ok_or_else(|| {
        let why = format!("offer one of the sub-protocols {}", websocket::offer(&gate.subprotocols));
        Refusal::new(StatusCode::BAD_REQUEST, why)
    })?;
    let chosen = HeaderValue::from_static(subprotocol.name());
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, chosen);
    Ok((subprotocol, response))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_16_pages_of_other_hosts_are_kept_out() {
        let allowed = vec!["https://app.example.com".to_owned()];
        let origins = Origins { allowed: allowed.clone(), strict: false };
        let strict = Origins { allowed, strict: true };
        for (host, origin, allowed) in [
            ("localhost:8080", None, true),
            ("localhost:8080", Some("http://localhost:3000"), true),
            ("LocalHost:8080", Some("http://localhost"), true),
            ("[::1]:8080", Some("http://[::1]:3000"), true),
            ("[::1]:8080", Some("http://[::2]:3000"), false),
            ("router.example.com", Some("https://app.example.com"), true),
            ("router.example.com", Some("https://APP.example.com"), true),
            ("router.example.com", Some("https://app.example.com.evil.org"), false),
            ("localhost:8080", Some("https://evil.example.org"), false),
            ("localhost:8080", Some("null"), false),
            ("localhost:8080", Some("file://"), false),
            ("", Some("https://"), false),
        ] {
            let mut request = Request::builder().header(HOST, host);
            if let Some(origin) = origin {
                request = request.header(ORIGIN, origin);
            }
            let request = request.body(()).unwrap();
            assert_eq!(origins.allow(&request), allowed, "{origin:?} at {host}");
            assert!(Origins { allowed: vec!["*".to_owned()], strict: false }.allow(&request));
            // Where a cookie logs in, being of the same host is not enough.
            let listed = origin.is_none_or(|origin| origin.eq_ignore_ascii_case("https://app.example.com"));
            assert_eq!(strict.allow(&request), listed, "{origin:?} at {host}");
        }
    }
}
