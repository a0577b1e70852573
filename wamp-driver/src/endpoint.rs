//! Where a router is: the URLs that clients connect to and routers listen on.

use std::{fmt, path::PathBuf, str::FromStr};

/// The place of a router.
///
/// | URL | transport |
/// |---|---|
/// | `ws://host[:port][/path]` | WebSocket, port 80 unless said |
/// | `wss://host[:port][/path]` | WebSocket over TLS, port 443 unless said |
/// | `tcp://host:port`, `rs://host:port` | RawSocket over TCP |
/// | `tcps://host:port`, `rss://host:port` | RawSocket over TLS |
/// | `unix:///path` | RawSocket over a Unix socket |
/// | `ws+unix:///path` | WebSocket over a Unix socket |
///
/// ```
/// use wamp_driver::Endpoint;
///
/// let endpoint: Endpoint = "ws://localhost:8080/ws".parse()?;
/// assert_eq!(endpoint.to_string(), "ws://localhost:8080/ws");
/// assert!("localhost:8080".parse::<Endpoint>().is_err());
/// # Ok::<(), wamp_driver::InvalidEndpoint>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// WebSocket over TCP.
    WebSocket {
        /// Host and port.
        address: SocketAddress,
        /// Path and query, with the leading slash.
        path: String,
    },
    /// WebSocket over TLS (W-97).
    WebSocketTls {
        /// Host and port.
        address: SocketAddress,
        /// Path and query, with the leading slash.
        path: String,
    },
    /// RawSocket over TCP.
    RawSocket(SocketAddress),
    /// RawSocket over TLS (W-97).
    RawSocketTls(SocketAddress),
    /// RawSocket over a Unix socket.
    Unix(PathBuf),
    /// WebSocket over a Unix socket.
    WebSocketUnix(PathBuf),
}

/// Host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SocketAddress {
    /// Name or IP address, IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// What a socket is opened to, whatever is spoken over it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// TCP.
    Tcp(SocketAddress),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Endpoint {
    /// Where the socket is opened to.
    pub fn address(&self) -> Address {
        match self {
            Self::WebSocket { address, .. }
            | Self::WebSocketTls { address, .. }
            | Self::RawSocket(address)
            | Self::RawSocketTls(address) => Address::Tcp(address.clone()),
            Self::Unix(path) | Self::WebSocketUnix(path) => Address::Unix(path.clone()),
        }
    }

    /// Whether TLS is spoken.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::WebSocketTls { .. } | Self::RawSocketTls(_))
    }

    /// The same transport in another place, which is one of TCP; a path of a Unix socket stays where it is.
    #[must_use]
    pub fn at(mut self, to: SocketAddress) -> Self {
        match &mut self {
            Self::WebSocket { address, .. }
            | Self::WebSocketTls { address, .. }
            | Self::RawSocket(address)
            | Self::RawSocketTls(address) => *address = to,
            Self::Unix(_) | Self::WebSocketUnix(_) => {}
        }
        self
    }
}

/// A URL that is not an [`Endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not a router's URL: {why}")]
pub struct InvalidEndpoint {
    /// The text.
    pub url: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(url: &str) -> Result<Self, InvalidEndpoint> {
        parse(url).map_err(|why| InvalidEndpoint { url: url.to_owned(), why })
    }
}

fn parse(url: &str) -> Result<Endpoint, &'static str> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or("it needs a scheme: ws://, wss://, tcp://, tcps://, unix:// or ws+unix://")?;
    match scheme {
        "ws" => websocket(rest, 80).map(|(address, path)| Endpoint::WebSocket { address, path }),
        "wss" => websocket(rest, 443).map(|(address, path)| Endpoint::WebSocketTls { address, path }),
        "tcp" | "rs" => Ok(Endpoint::RawSocket(address(rest.trim_end_matches('/'), None)?)),
        "tcps" | "rss" => Ok(Endpoint::RawSocketTls(address(rest.trim_end_matches('/'), None)?)),
        "unix" => Ok(Endpoint::Unix(path(rest)?)),
        "ws+unix" => Ok(Endpoint::WebSocketUnix(path(rest)?)),
        "wss+unix" => Err("a Unix socket never leaves this machine: use ws+unix://, without TLS"),
        _ => Err("the scheme must be ws, wss, tcp, tcps, rs, rss, unix or ws+unix"),
    }
}

fn websocket(rest: &str, default_port: u16) -> Result<(SocketAddress, String), &'static str> {
    let start = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(start);
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok((address(authority, Some(default_port))?, format!("{slash}{path}")))
}

fn address(authority: &str, default_port: Option<u16>) -> Result<SocketAddress, &'static str> {
    if authority.contains('@') {
        return Err("user names in the URL are not supported");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("the IPv6 address lacks its `]`")?;
            (host, rest.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    let port = match port {
        Some(port) => port.parse().map_err(|_| "the port must be a number from 0 to 65535")?,
        None => default_port.ok_or("the port is missing")?,
    };
    Ok(SocketAddress { host: host.to_owned(), port })
}

fn path(path: &str) -> Result<PathBuf, &'static str> {
    if path.is_empty() { Err("the path is missing") } else { Ok(path.into()) }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket { address, path } => write!(f, "ws://{address}{path}"),
            Self::WebSocketTls { address, path } => write!(f, "wss://{address}{path}"),
            Self::RawSocket(address) => write!(f, "tcp://{address}"),
            Self::RawSocketTls(address) => write!(f, "tcps://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::WebSocketUnix(path) => write!(f, "ws+unix://{}", path.display()),
        }
    }
}

impl SocketAddress {
    /// Reads `host:port`; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        address(text, None)
    }
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_their_meaning() {
        for (url, shown) in [
            ("ws://localhost", "ws://localhost:80/"),
            ("ws://localhost:8080", "ws://localhost:8080/"),
            ("ws://h:1/ws?x=1", "ws://h:1/ws?x=1"),
            ("ws://h?x=1", "ws://h:80/?x=1"),
            ("ws://[::1]:9000/ws", "ws://[::1]:9000/ws"),
            ("wss://localhost", "wss://localhost:443/"),
            ("wss://h:8443/ws", "wss://h:8443/ws"),
            ("tcp://127.0.0.1:0", "tcp://127.0.0.1:0"),
            ("tcps://h:1", "tcps://h:1"),
            ("rss://[::1]:1/", "tcps://[::1]:1"),
            ("rs://h:1/", "tcp://h:1"),
            ("unix:///tmp/r.sock", "unix:///tmp/r.sock"),
            ("ws+unix:///tmp/r.sock", "ws+unix:///tmp/r.sock"),
        ] {
            let endpoint = url.parse::<Endpoint>().unwrap();
            assert_eq!(endpoint.to_string(), shown, "{url}");
            assert_eq!(shown.parse::<Endpoint>().unwrap(), endpoint);
        }
    }

    #[test]
    fn bad_urls_say_why() {
        for (url, why) in [
            ("localhost:8080", "scheme"),
            ("http://localhost", "scheme"),
            ("wss+unix:///tmp/r.sock", "ws+unix"),
            ("rss://h", "port"),
            ("ws://", "host"),
            ("ws://:80", "host"),
            ("ws://h:x", "port"),
            ("ws://h:70000", "port"),
            ("tcp://h", "port"),
            ("ws://[::1", "]"),
            ("ws://user@h", "user"),
            ("unix://", "path"),
        ] {
            let error = url.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(url), "{url}: {error}");
        }
    }
}
