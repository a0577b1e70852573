//! What is known about the connection under a session.

use std::sync::Arc;

/// What is known about the connection under a session, found out by those who made it and never told by the peer (A-20).
///
/// Authentication depends on it: whether a ticket may be sent, what a signature is bound to, whom a certificate or a cookie
/// names. The default knows nothing, and so allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Channel {
    /// Where the other end is, for logs and the details of a session: `127.0.0.1:50123`, `unix`, `in-process`.
    pub peer: Option<String>,
    /// Nobody else reads what crosses it: TLS, a Unix socket, the loopback interface, this very process.
    pub private: bool,
    /// What TLS exports for channel binding `tls-exporter` (RFC 9266), the same at both ends.
    pub tls_exporter: Option<[u8; 32]>,
    /// The certificate that the client has shown; the TLS layer has verified it (A-19).
    pub client_certificate: Option<ClientCertificate>,
    /// The `Cookie` header of the WebSocket handshake (A-18).
    pub cookie: Option<Cookie>,
    /// The name of the router's listener, for rules of its own.
    pub listener: Option<Arc<str>>,
}

impl Channel {
    /// A Unix socket: only this machine is at the other end.
    pub fn unix() -> Self {
        Self { peer: Some("unix".to_owned()), private: true, ..Self::default() }
    }

    /// A connection within this process.
    pub fn in_process() -> Self {
        Self { peer: Some("in-process".to_owned()), private: true, ..Self::default() }
    }

    /// TCP from or to `peer`; `loopback` when that is this machine.
    pub fn tcp(peer: impl Into<String>, loopback: bool) -> Self {
        Self { peer: Some(peer.into()), private: loopback, ..Self::default() }
    }
}

/// A verified certificate, as far as it says who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// SHA-256 of the certificate in DER.
    pub sha256: [u8; 32],
    /// Common name and subject alternative names.
    pub names: Vec<String>,
}

impl ClientCertificate {
    /// A certificate of this fingerprint and with these names.
    pub fn new(sha256: [u8; 32], names: impl IntoIterator<Item = String>) -> Self {
        Self { sha256, names: names.into_iter().collect() }
    }
}

/// A `Cookie` header: whoever has it is taken for its owner, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie(String);

impl Cookie {
    /// The value of the header: `name=value; name2=value2`.
    pub fn new(header: impl Into<String>) -> Self {
        Self(header.into())
    }

    /// The value of one cookie.
    ///
    /// ```
    /// use wamp_proto::channel::Cookie;
    ///
    /// let cookie = Cookie::new("theme=dark; session=42");
    /// assert_eq!(cookie.get("session"), Some("42"));
    /// assert_eq!(format!("{cookie:?}"), "Cookie(..)");
    /// ```
    pub fn get(&self, name: &str) -> Option<&str> {
        let pairs = self.0.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}

impl core::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Cookie(..)")
    }
}
