//! The way to a router as far as bytes go: TCP or a Unix socket, and TLS where the URL demands it.

use std::{io, sync::Arc};

use super::{Connect, To};
#[cfg(feature = "tls")]
use crate::net::tls::Connector;
use crate::{
    ConnectError, IpVersion,
    connect::ClientOptions,
    endpoint::{Address, Endpoint},
    net::{Network, Socket, TlsError, within},
    runtime::BoxFuture,
};

/// Opens sockets, without TLS.
pub(super) type Dialer = dyn Fn(Address) -> BoxFuture<io::Result<Box<dyn Socket>>> + Send + Sync;

/// One that opens them with this runtime.
pub(super) fn dialer<N: Network>(network: Arc<N>, ip: IpVersion) -> Arc<Dialer> {
    Arc::new(move |address| network.connect(address, ip))
}

impl<N: Network> Connect<N> {
    /// Opens the connection and no more, for programs that speak for themselves, a proxy say: a socket to the URL, over which TLS
    /// is spoken if the URL demands it, as all settings have it. Neither the handshake of the transport nor WAMP is spoken, and other
    /// URLs are not tried.
    ///
    /// ```no_run
    /// # use wamp_driver::{ConnectError, net::{Connect, Network, Socket}};
    /// # async fn example<N: Network>() -> Result<Box<dyn Socket>, ConnectError> {
    /// let socket = Connect::<N>::url("wss://router.example.com/ws").open_socket().await?;
    /// println!("{:?}", socket.channel());
    /// # Ok(socket)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for connecting: a bad URL, nobody there, no TLS, or no end within
    /// [`connect_timeout`](Self::connect_timeout). A router within the process has no socket.
    pub async fn open_socket(self) -> Result<Box<dyn Socket>, ConnectError> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let To::Url(url) = self.to else {
            let to = "the router within this process".to_owned();
            return Err(ConnectError::Io { to, error: io::ErrorKind::Unsupported.into() });
        };
        let network = N::current();
        let dial = Dial::new(url.parse()?, dialer(network.clone(), self.options.ip), &self.options)?;
        let limit = self.options.connect_timeout;
        let opened = within(&*network, limit, dial.open()).await;
        opened.ok_or_else(|| ConnectError::Timeout { to: dial.endpoint.to_string(), within: limit })?
    }
}

/// The way to one endpoint.
pub(super) struct Dial {
    pub(super) endpoint: Endpoint,
    dialer: Arc<Dialer>,
    /// Speaks TLS, where the endpoint demands it.
    #[cfg(feature = "tls")]
    tls: Option<Connector>,
}

impl Dial {
    pub(super) fn new(
        endpoint: Endpoint,
        dialer: Arc<Dialer>,
        options: &ClientOptions,
    ) -> Result<Self, ConnectError> {
        #[cfg(feature = "tls")]
        let tls = connector(&endpoint, options)?;
        #[cfg(not(feature = "tls"))]
        if endpoint.is_tls() {
            let _ = options;
            return Err(ConnectError::Tls { to: endpoint.to_string(), error: TlsError::NotBuilt });
        }
        Ok(Self {
            endpoint,
            dialer,
            #[cfg(feature = "tls")]
            tls,
        })
    }

    pub(super) async fn open(&self) -> Result<Box<dyn Socket>, ConnectError> {
        let socket = (self.dialer)(self.endpoint.address()).await;
        let socket = socket.map_err(|error| ConnectError::Io { to: self.endpoint.to_string(), error })?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let secured = tls.connect(socket).await.map_err(|error| self.no_tls(error))?;
            return Ok(Box::new(secured));
        }
        Ok(socket)
    }

    pub(super) fn no_tls(&self, error: TlsError) -> ConnectError {
        ConnectError::Tls { to: self.endpoint.to_string(), error }
    }
}

#[cfg(feature = "tls")]
fn connector(endpoint: &Endpoint, options: &ClientOptions) -> Result<Option<Connector>, ConnectError> {
    let (Endpoint::WebSocketTls { address, .. } | Endpoint::RawSocketTls(address)) = endpoint else {
        return Ok(None);
    };
    let connector = Connector::new(&options.tls, &address.host);
    connector.map(Some).map_err(|error| ConnectError::Tls { to: endpoint.to_string(), error })
}
