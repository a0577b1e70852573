//! Crossbar, for tests against a router that nobody here wrote.

use std::{
    fs,
    io::{self, Read as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::eventually;

/// A Crossbar in a process of its own, with the realm `realm1`, where everybody may do everything. It is killed when this is
/// dropped, and its folder removed.
///
/// ```no_run
/// let crossbar = wamp_test::Crossbar::start("/opt/crossbar/bin/crossbar")?;
/// // connect(crossbar.ws_url()).await?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Crossbar {
    process: Child,
    folder: PathBuf,
    ws_url: String,
    tcp_url: String,
}

/// It takes its time on a busy machine.
const LIMIT: Duration = Duration::from_secs(100);

impl Crossbar {
    /// Starts the program at this path, and waits until it listens, for 100 s at most.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    ///
    /// # Panics
    ///
    /// When it ends, or does not listen in time; with what it has said.
    pub fn start(program: impl AsRef<Path>) -> io::Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("wamp-crossbar-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let [ws, tcp] = free_ports()?;
        fs::write(folder.join("config.json"), config(ws, tcp))?;
        let log = fs::File::create(folder.join("log"))?;
        let process = Command::new(program.as_ref())
            .args(["start", "--cbdir"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let (ws_url, tcp_url) = (format!("ws://127.0.0.1:{ws}/ws"), format!("tcp://127.0.0.1:{tcp}"));
        let mut crossbar = Self { process, folder, ws_url, tcp_url };
        eventually(|| crossbar.listens([ws, tcp])).within(LIMIT).wait();
        Ok(crossbar)
    }

    /// Its URL for WebSocket.
    pub fn ws_url(&self) -> &str {
        &self.ws_url
    }

    /// Its URL for RawSocket.
    pub fn tcp_url(&self) -> &str {
        &self.tcp_url
    }

    fn listens(&mut self, ports: [u16; 2]) -> Result<(), String> {
        if let Ok(Some(status)) = self.process.try_wait() {
            panic!("Crossbar has ended: {status}\n{}", self.log());
        }
        let closed = ports.into_iter().find(|port| TcpStream::connect(("127.0.0.1", *port)).is_err());
        closed.map_or(Ok(()), |port| Err(format!("Crossbar does not listen on port {port}\n{}", self.log())))
    }

    fn log(&self) -> String {
        let mut text = String::new();
        let read = fs::File::open(self.folder.join("log")).and_then(|mut log| log.read_to_string(&mut text));
        read.map_or_else(|error| error.to_string(), |_| text)
    }
}

impl Drop for Crossbar {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Two ports that nobody has at the moment.
fn free_ports() -> io::Result<[u16; 2]> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    Ok([listeners[0].local_addr()?.port(), listeners[1].local_addr()?.port()])
}

fn config(ws: u16, tcp: u16) -> String {
    let transport = |kind: &str, port| {
        format!(
            r#"{{"type": "{kind}", "endpoint": {{"type": "tcp", "interface": "127.0.0.1", "port": {port}}},
                "serializers": ["cbor", "msgpack", "json"],
                "auth": {{"anonymous": {{"type": "static", "role": "anonymous"}}}}}}"#
        )
    };
    let allow = r#"{"call": true, "register": true, "publish": true, "subscribe": true}"#;
    let role = format!(
        r#"{{"name": "anonymous", "permissions": [{{"uri": "", "match": "prefix", "allow": {allow}, "cache": true}}]}}"#
    );
    format!(
        r#"{{"version": 2, "workers": [{{"type": "router", "realms": [{{"name": "realm1", "roles": [{role}]}}],
            "transports": [{}, {}]}}]}}"#,
        transport("websocket", ws),
        transport("rawsocket", tcp)
    )
}
