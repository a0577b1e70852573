//! Opening listeners. This does not wait, so that it needs no runtime.

#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs as _},
    path::Path,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::endpoint::SocketAddress;

/// A listener of the standard library, in non-blocking mode: an adapter makes its own of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenListener {
    /// TCP.
    Tcp(TcpListener),
    /// Unix.
    #[cfg(unix)]
    Unix(UnixListener),
}

/// Connections that the operating system keeps until they are accepted. When there are more, it lets a client wait for a
/// second and try again, which many that come at once would notice (faults 19 and 25).
const BACKLOG: i32 = 1024;

/// Opens the first address of a host that can be listened on; gives the port that was taken.
pub(super) fn tcp(address: &SocketAddress) -> io::Result<(OpenListener, u16)> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (address.host.as_str(), address.port).to_socket_addrs()? {
        match open(address) {
            Ok(listener) => {
                let port = listener.local_addr()?.port();
                return Ok((OpenListener::Tcp(listener), port));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A port whose last connections have just ended may be taken again; elsewhere the option means something worse.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// A socket file that nobody listens on any more is left over from a router that was killed: it is replaced.
#[cfg(unix)]
pub(super) fn unix(path: &Path) -> io::Result<OpenListener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match UnixStream::connect(path) {
                Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path)?;
                }
                _ => return Err(error),
            }
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    listener.set_nonblocking(true)?;
    Ok(OpenListener::Unix(listener))
}
