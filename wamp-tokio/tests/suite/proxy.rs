//! A network that fails: a TCP proxy between client and router, with a fault to be switched on.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// What the network does to the bytes, both ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Every piece comes later.
    Delay(Duration),
    /// The connection ends, in order, after so many more bytes.
    CutAfter(usize),
    /// Bytes come one by one.
    Slices,
    /// A few bytes at a time, with pauses.
    SlowRead,
    /// The connection is reset.
    Reset,
    /// Nothing passes any more, and nobody is told.
    BlackHole,
}

/// A proxy; ends when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    fault: watch::Sender<Fault>,
    /// Connections that were lost in a black hole: kept open.
    _tasks: Arc<Mutex<JoinSet<()>>>,
    _accept: JoinSet<()>,
}

impl Proxy {
    /// A proxy to the router at `port`.
    pub(crate) async fn new(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (fault, faults) = watch::channel(Fault::None);
        let tasks = Arc::new(Mutex::new(JoinSet::new()));
        let mut accept = JoinSet::new();
        let spawned = tasks.clone();
        accept.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let router = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                spawned.lock().unwrap().spawn(forward(client, router, faults.clone()));
            }
        });
        Self { port, fault, _tasks: tasks, _accept: accept }
    }

    /// The URL of the router at `url`, through the proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        format!("{}:{}", url.split_once(':').unwrap().0, format_args!("//127.0.0.1:{}", self.port))
    }

    /// From now on, the network does this.
    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn forward(client: TcpStream, router: TcpStream, faults: watch::Receiver<Fault>) {
    let resets = faults.clone();
    for stream in [&client, &router] {
        stream.set_nodelay(true).unwrap();
    }
    let ((from_client, to_client), (from_router, to_router)) = (client.into_split(), router.into_split());
    let up = carry(from_client, to_router, faults.clone());
    let down = carry(from_router, to_client, faults);
    let ((from_client, to_router), (from_router, to_client)) = tokio::join!(up, down);
    if *resets.borrow() == Fault::Reset {
        for stream in [from_client.reunite(to_client), from_router.reunite(to_router)] {
            let stream: TcpStream = stream.unwrap();
            stream.set_zero_linger().unwrap();
        }
    }
}

/// Carries bytes one way until the end, or until the fault ends it.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut faults: watch::Receiver<Fault>,
) -> (OwnedReadHalf, OwnedWriteHalf) {
    let mut buffer = vec![0; 16 << 10];
    let mut passed = 0;
    loop {
        let fault = *faults.borrow_and_update();
        let room = match fault {
            Fault::Reset => return (from, to),
            Fault::BlackHole => {
                // Somebody may switch it off again; else the proxy's end is the end of this.
                if faults.changed().await.is_err() {
                    return (from, to);
                }
                continue;
            }
            Fault::CutAfter(bytes) if passed >= bytes => break,
            Fault::CutAfter(bytes) => (bytes - passed).min(buffer.len()),
            Fault::SlowRead => 64,
            _ => buffer.len(),
        };
        let read = tokio::select! {
            read = from.read(&mut buffer[..room]) => read.unwrap_or(0),
            changed = faults.changed() => {
                passed = 0;
                if changed.is_err() { return (from, to) }
                continue;
            }
        };
        if read == 0 || pass(&mut to, &buffer[..read], fault).await.is_err() {
            break;
        }
        passed += read;
    }
    let _ = to.shutdown().await;
    (from, to)
}

async fn pass(to: &mut OwnedWriteHalf, bytes: &[u8], fault: Fault) -> std::io::Result<()> {
    match fault {
        Fault::Delay(delay) => tokio::time::sleep(delay).await,
        Fault::SlowRead => tokio::time::sleep(Duration::from_millis(1)).await,
        Fault::Slices => {
            for byte in bytes {
                to.write_all(&[*byte]).await?;
                tokio::task::yield_now().await;
            }
            return Ok(());
        }
        _ => {}
    }
    to.write_all(bytes).await
}
