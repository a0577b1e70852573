//! `wamp trace`: a proxy that prints what passes. It forwards bytes as they are, to a router of TLS too, and looks at copies of them.

mod opening;
mod show;
mod tap;
mod upstream;

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use wamp_tokio::{Endpoint, Side};

pub(super) use self::show::passed;
use self::{
    show::{Show, Watch},
    tap::Tap,
    upstream::Upstream,
};
use crate::{
    args::Trace,
    exit::{Code, Failure},
    session::Context,
    signals::Signals,
};

/// Forwards connections and prints their messages until there were enough, or a signal comes.
pub(crate) async fn run(context: &Context, arguments: &Trace) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let upstream = Upstream::new(context, arguments.upstream.as_deref().unwrap_or(context.globals.url()))?;
    let (listener, url) = listen(&arguments.listen).await?;
    context.say(format_args!("listening on {url}, for {}", upstream.endpoint));
    let watch = Arc::new(Watch::new(context.printer.lines(), arguments.show_secrets, arguments.count));
    tokio::select! {
        failure = serve(&listener, upstream, &watch) => Err(failure),
        () = watch.enough() => Ok(()),
        ended = signals.next() => Err(ended),
    }
}

/// Listens at a URL whose host may be missing, which is this machine then.
async fn listen(url: &str) -> Result<(TcpListener, Endpoint), Failure> {
    let endpoint: Endpoint = url.replace("://:", "://127.0.0.1:").parse().map_err(Failure::usage)?;
    let (Endpoint::WebSocket { address, .. } | Endpoint::RawSocket(address)) = &endpoint else {
        return Err(Failure::usage("--listen must be ws:// or tcp://"));
    };
    let cannot = |error: io::Error| Failure::usage(format!("cannot listen on {url}: {error}"));
    let listener = TcpListener::bind((address.host.as_str(), address.port)).await.map_err(cannot)?;
    let mut at = address.clone();
    at.port = listener.local_addr().map_err(cannot)?.port();
    Ok((listener, endpoint.at(at)))
}

/// Accepts connections until one of them says that all is over.
async fn serve(listener: &TcpListener, upstream: Upstream, watch: &Arc<Watch>) -> Failure {
    let mut connections = JoinSet::new();
    let upstream = Arc::new(upstream);
    for number in 1_u64.. {
        let client = loop {
            tokio::select! {
                accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    // The others wait until one of these has ended.
                    Ok((client, _)) => break client,
                    Err(error) => return Failure::new(Code::Internal, format!("cannot accept: {error}")),
                },
                Some(ended) = connections.join_next() => if let Ok(Err(failure)) = ended {
                    return failure;
                },
            }
        };
        connections.spawn(connection(client, upstream.clone(), Show::new(watch.clone(), number)));
    }
    Failure::new(Code::Internal, "there were too many connections")
}

/// Forwards one connection. Whatever is wrong with it concerns it alone; an error is one of stdout.
async fn connection(client: TcpStream, upstream: Arc<Upstream>, show: Show) -> Result<(), Failure> {
    let opened = tokio::time::timeout(OPENING, open(client, &upstream)).await;
    match opened.unwrap_or_else(|_| Err(format!("the handshakes took more than {OPENING:?}"))) {
        Ok((Ways { up, down }, encoding)) => {
            let show = match encoding {
                Ok(encoding) => show.speaking(encoding),
                Err(why) => {
                    show.flag(Side::Router, &why)?;
                    show
                }
            };
            tokio::try_join!(up.forward(Side::Client, &show), down.forward(Side::Router, &show)).map(drop)
        }
        Err(why) => show.flag(Side::Router, &format!("no connection to {}: {why}", upstream.endpoint)),
    }
}

/// Both directions of a connection.
struct Ways {
    up: Way,
    down: Way,
}

/// One direction of a connection.
struct Way {
    from: Box<dyn AsyncRead + Send + Unpin>,
    to: Box<dyn AsyncWrite + Send + Unpin>,
    tap: Tap,
    /// What came behind the handshake already.
    rest: Vec<u8>,
}

/// Passes the handshakes, which say what will be spoken.
async fn open(
    client: TcpStream,
    upstream: &Upstream,
) -> Result<(Ways, Result<wamp_tokio::proto::Encoding, String>), String> {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_router, mut to_router) = split(upstream.open().await?);
    let why = |error: io::Error| error.to_string();
    let (request, rest) = opening::read(&mut from_client).await.map_err(why)?;
    let asked = opening::request(&request, &upstream.endpoint);
    send(&mut to_router, &asked).await.map_err(why)?;
    let (answer, behind) = opening::read(&mut from_router).await.map_err(why)?;
    send(&mut to_client, &answer).await.map_err(why)?;
    let (encoding, [up, down]) = match Tap::pair(&request, &answer) {
        Ok((encoding, taps)) => (Ok(encoding), taps),
        Err(why) => (Err(why), [Tap::Off, Tap::Off]),
    };
    let up = Way { from: Box::new(from_client), to: Box::new(to_router), tap: up, rest };
    let down = Way { from: Box::new(from_router), to: Box::new(to_client), tap: down, rest: behind };
    Ok((Ways { up, down }, encoding))
}

/// TLS keeps what is not flushed.
async fn send(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

impl Way {
    /// Forwards until one of the ends is gone.
    async fn forward(mut self, side: Side, show: &Show) -> Result<(), Failure> {
        let mut buffer = std::mem::take(&mut self.rest);
        loop {
            if send(&mut self.to, &buffer).await.is_err() {
                return Ok(());
            }
            for message in self.tap.feed(&buffer) {
                show.message(side, message)?;
            }
            buffer.clear();
            buffer.reserve(READ);
            let read = self.from.read_buf(&mut buffer).await;
            if let Err(why) = &read {
                show.flag(side, &format!("the connection has failed: {why}"))?;
            }
            if !matches!(read, Ok(1..)) {
                // Whether it still listens is its affair.
                let _ = self.to.shutdown().await;
                return Ok(());
            }
        }
    }
}

/// Connections at once.
const CONNECTIONS: usize = 1_000;

/// How long the handshakes of both sides may take.
const OPENING: Duration = Duration::from_secs(10);

/// How much is read at once.
const READ: usize = 1 << 14;
