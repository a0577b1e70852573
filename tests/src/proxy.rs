//! A network that fails: a TCP proxy between client and router, with a fault to be switched on.
//!
//! It runs on threads and sockets of the standard library, and shares nothing with what it tests.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use socket2::SockRef;
use wamp_driver::{Address, Endpoint, InvalidEndpoint, SocketAddress};

/// What the network does to the bytes, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Every piece comes later.
    Delay(Duration),
    /// The connection ends, in order, after so many more bytes.
    CutAfter(usize),
    /// Half of the next piece comes, then the connection ends, in order.
    Truncate,
    /// Bytes come one by one.
    Slices,
    /// A few bytes at a time are read, with pauses.
    SlowRead,
    /// The connection is reset.
    Reset,
    /// Nothing passes any more, and nobody is told.
    BlackHole,
    /// The first byte of every piece is another: the length of a frame, say.
    Corrupt,
}

/// A proxy; ends, and its connections with it, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    port: u16,
    control: Arc<Control>,
}

/// What the threads of a proxy obey.
#[derive(Debug)]
struct Control {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug)]
struct State {
    fault: Fault,
    /// How often the fault was set.
    set: usize,
    /// How many directions of connections there are.
    carried: usize,
    over: bool,
}

/// How long a thread is deaf to a change of the fault.
const DEAF: Duration = Duration::from_millis(5);

impl Proxy {
    /// A proxy to the router at a URL, which is one of TCP.
    ///
    /// # Errors
    ///
    /// When the URL is not, or no port can be listened on.
    pub fn new(url: &str) -> io::Result<Self> {
        let invalid = |error: InvalidEndpoint| io::Error::new(io::ErrorKind::InvalidInput, error);
        let endpoint = url.parse::<Endpoint>().map_err(invalid)?;
        let Address::Tcp(to) = endpoint.address() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let endpoint = endpoint.at(SocketAddress { host: "127.0.0.1".to_owned(), port });
        let state = State { fault: Fault::None, set: 0, carried: 0, over: false };
        let control = Arc::new(Control { state: Mutex::new(state), changed: Condvar::new() });
        let obeyed = control.clone();
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if obeyed.state().over {
                    break;
                }
                // A router that is gone is the client's to notice.
                if let Ok(router) = TcpStream::connect((to.host.as_str(), to.port)) {
                    forward(client, router, &obeyed);
                }
            }
        });
        Ok(Self { url: endpoint.to_string(), port, control })
    }

    /// The URL of the router, through the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on, the network does this.
    pub fn set(&self, fault: Fault) {
        self.control.set(fault);
    }

    /// Resets all connections that there are, and waits until they are gone; then there is no fault.
    pub fn kill(&self) {
        self.control.set(Fault::Reset);
        let mut state = self.control.state();
        while state.carried > 0 {
            state = self.control.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.control.set(Fault::None);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.control.state().over = true;
        self.control.changed.notify_all();
        // It waits for one more connection, to see that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, fault: Fault) {
        let mut state = self.state();
        state.fault = fault;
        state.set += 1;
        self.changed.notify_all();
    }

    /// One direction more, or fewer.
    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut state = self.state();
        state.carried = change(state.carried);
        self.changed.notify_all();
    }

    /// Waits until something else is to be done.
    fn wait(&self, known: State) {
        let mut state = self.state();
        while state.set == known.set && !state.over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A thread for each direction.
fn forward(client: TcpStream, router: TcpStream, control: &Arc<Control>) {
    for stream in [&client, &router] {
        // Without these, faults come later, and nothing else is different.
        let _ = stream.set_nodelay(true);
        let _ = stream.set_read_timeout(Some(DEAF));
        let _ = stream.set_write_timeout(Some(DEAF));
    }
    let (client, router) = (Arc::new(client), Arc::new(router));
    for (from, to) in [(client.clone(), router.clone()), (router, client)] {
        let control = control.clone();
        control.count(|carried| carried + 1);
        thread::spawn(move || {
            let reset = carry(&from, &to, &control) == End::Reset;
            if reset {
                // The last one to go closes the socket, which tells the peer so.
                let _ = SockRef::from(&*from).set_linger(Some(Duration::ZERO));
            } else {
                let _ = to.shutdown(Shutdown::Write);
            }
            drop((from, to));
            control.count(|carried| carried - 1);
        });
    }
}

/// How a direction ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    InOrder,
    Reset,
}

/// Carries bytes one way until the end, or until the fault ends it.
fn carry(mut from: &TcpStream, to: &TcpStream, control: &Control) -> End {
    let mut buffer = vec![0; 16 << 10];
    let (mut passed, mut set) = (0, 0);
    loop {
        let state = *control.state();
        let room = match state.fault {
            _ if state.over => return End::InOrder,
            Fault::Reset => return End::Reset,
            Fault::BlackHole => {
                control.wait(state);
                continue;
            }
            Fault::CutAfter(0) => return End::InOrder,
            Fault::SlowRead => 64,
            _ => buffer.len(),
        };
        let read = match from.read(&mut buffer[..room]) {
            Ok(0) => return End::InOrder,
            Ok(read) => read,
            Err(error) if waits(&error) => continue,
            Err(_) => return End::InOrder,
        };
        // The fault may have been set while there was nothing to read.
        let state = *control.state();
        if state.set != set {
            (passed, set) = (0, state.set);
        }
        let (keep, ends) = match state.fault {
            Fault::CutAfter(bytes) => ((bytes - passed).min(read), passed + read >= bytes),
            Fault::Truncate => (read / 2, true),
            // Lost on the way.
            Fault::Reset | Fault::BlackHole => continue,
            _ => (read, false),
        };
        if pass(to, &buffer[..keep], state.fault, control).is_err() || ends {
            return End::InOrder;
        }
        passed += keep;
    }
}

/// Whether it was only the time that was over.
fn waits(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::WouldBlock | E::TimedOut | E::Interrupted)
}

fn pass(to: &TcpStream, bytes: &[u8], fault: Fault, control: &Control) -> io::Result<()> {
    match fault {
        Fault::Delay(delay) => thread::sleep(delay),
        Fault::SlowRead => thread::sleep(Duration::from_millis(1)),
        Fault::Slices => {
            for byte in bytes.chunks(1) {
                write(to, byte, control)?;
                thread::yield_now();
            }
            return Ok(());
        }
        Fault::Corrupt => {
            let (first, rest) = bytes.split_at(bytes.len().min(1));
            let first = first.iter().map(|byte| !byte).collect::<Vec<_>>();
            write(to, &first, control)?;
            return write(to, rest, control);
        }
        _ => {}
    }
    write(to, bytes, control)
}

/// Writes all of it, unless something else is to be done meanwhile.
fn write(mut to: &TcpStream, mut bytes: &[u8], control: &Control) -> io::Result<()> {
    let known = *control.state();
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if waits(&error) => {
                let state = *control.state();
                if state.over || state.set != known.set {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
