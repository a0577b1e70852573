//! The fault proxy does what it says: else the tests with it would show nothing.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use wamp_test::proxy::{Fault, Proxy};

/// A server that reads all and answers nothing; gives what it read of each connection, and how that ended.
struct Server {
    url: String,
    ended: std::sync::mpsc::Receiver<(Vec<u8>, Option<ErrorKind>)>,
}

impl Server {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        let (tell, ended) = std::sync::mpsc::channel();
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut all = Vec::new();
                let end = stream.read_to_end(&mut all).err().map(|error| error.kind());
                if tell.send((all, end)).is_err() {
                    break;
                }
            }
        });
        Self { url, ended }
    }

    /// What comes of ten bytes that are sent under a fault, if anything does in time.
    fn ten_bytes(&self, fault: Fault) -> Option<(Vec<u8>, Option<ErrorKind>)> {
        let proxy = Proxy::new(&self.url).unwrap();
        let mut stream = TcpStream::connect(proxy.url().trim_start_matches("tcp://")).unwrap();
        proxy.set(fault);
        let _ = stream.write_all(b"0123456789");
        if !matches!(fault, Fault::Reset | Fault::BlackHole) {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        self.ended.recv_timeout(Duration::from_millis(500)).ok()
    }
}

#[test]
fn bytes_pass_as_the_fault_says() {
    let server = Server::new();
    for (fault, bytes) in [
        (Fault::None, 10),
        (Fault::Delay(Duration::from_millis(10)), 10),
        (Fault::Slices, 10),
        (Fault::SlowRead, 10),
        (Fault::CutAfter(0), 0),
        (Fault::CutAfter(3), 3),
        (Fault::CutAfter(10), 10),
        (Fault::CutAfter(11), 10),
        (Fault::Truncate, 5),
    ] {
        let (read, end) = server.ten_bytes(fault).unwrap_or_else(|| panic!("{fault:?}: it hangs"));
        assert_eq!((read.as_slice(), end), (&b"0123456789"[..bytes], None), "{fault:?}");
    }
}

#[test]
fn what_is_corrupt_is_not_what_was_sent() {
    let (read, end) = Server::new().ten_bytes(Fault::Corrupt).unwrap();
    assert_eq!((read.len(), end), (10, None));
    assert_eq!((read[0], &read[1..]), (!b'0', &b"123456789"[..]));
}

#[test]
fn connections_are_killed_and_others_are_not() {
    let server = Server::new();
    let proxy = Proxy::new(&server.url).unwrap();
    let connect = || TcpStream::connect(proxy.url().trim_start_matches("tcp://")).unwrap();
    let mut stream = connect();
    stream.write_all(b"0").unwrap();
    // It may not have taken the connection yet.
    let killed = |_| {
        proxy.kill();
        server.ended.recv_timeout(Duration::from_millis(50)).ok()
    };
    let (_, end) = (0..200).find_map(killed).unwrap();
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
    let mut stream = connect();
    stream.write_all(b"1").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.ended.recv_timeout(Duration::from_secs(10)).unwrap(), (b"1".to_vec(), None));
}

#[test]
fn a_reset_is_one() {
    let (_, end) = Server::new().ten_bytes(Fault::Reset).unwrap();
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
}

#[test]
fn a_black_hole_says_nothing() {
    assert_eq!(Server::new().ten_bytes(Fault::BlackHole), None);
}

#[test]
fn a_delay_delays() {
    let (server, delay) = (Server::new(), Duration::from_millis(700));
    // More than the half second that is waited for.
    assert_eq!(server.ten_bytes(Fault::Delay(delay)), None);
}

#[test]
fn only_what_it_can_forward_is_taken() {
    for url in ["unix:///tmp/x", "http://localhost", "nothing"] {
        assert!(Proxy::new(url).is_err(), "{url}");
    }
    let url = Proxy::new("ws://127.0.0.1:1/path").unwrap().url().to_owned();
    assert!(url.starts_with("ws://127.0.0.1:") && url.ends_with("/path"), "{url}");
}
