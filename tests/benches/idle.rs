//! What an idle session costs a router in memory, in each adapter: `cargo bench -p wamp-test --bench idle`.
//!
//! The router is a process of its own; the sessions are plain sockets of this one, over RawSocket and over WebSocket.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use wamp_blocking::Wait as _;

const SESSIONS: usize = 400;
const ROUNDS: usize = 5;
const HELLO: &[u8] = br#"[1,"realm1",{"roles":{"caller":{}}}]"#;

fn main() {
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench").collect::<Vec<_>>();
    if let [adapter] = &arguments[..] {
        return router(adapter);
    }
    println!("memory of an idle session, in bytes");
    println!("             RawSocket  WebSocket");
    for adapter in ["tokio", "smol", "async-std", "blocking"] {
        let [raw, websocket] = [join_raw, join_websocket].map(|join| measure(adapter, join));
        println!("  {adapter:<10} {raw:>9} {websocket:>10}");
    }
}

fn router(adapter: &str) {
    let listen = "tcp://127.0.0.1:0";
    let serve = |url: Option<String>| {
        println!("{}", url.unwrap());
        let _ = std::io::stdin().read(&mut [0]);
    };
    match adapter {
        "tokio" => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let router = runtime.block_on(wamp_tokio::Router::builder().listen(listen).into_future());
            serve(router.unwrap().url());
        }
        "smol" => {
            let router = smol::block_on(wamp_async_std::Router::builder().listen(listen).into_future());
            serve(router.unwrap().url());
        }
        "async-std" => {
            let router = wamp_async_std::async_std::Router::builder().listen(listen).into_future();
            serve(async_std::task::block_on(router).unwrap().url());
        }
        _ => {
            let router = wamp_blocking::Router::builder().listen(listen).wait();
            serve(router.unwrap().url());
        }
    }
}

fn measure(adapter: &str, join: fn(&str) -> TcpStream) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(adapter)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let address = url.trim().trim_start_matches("tcp://");
    // The first ones fill what is shared.
    let mut sessions = (0..SESSIONS).map(|_| join(address)).collect::<Vec<_>>();
    let before = resident(&child);
    sessions.extend((0..ROUNDS * SESSIONS).map(|_| join(address)));
    let after = resident(&child);
    drop(sessions);
    let _ = child.kill();
    let _ = child.wait();
    (after - before) / (ROUNDS * SESSIONS)
}

fn resident(child: &Child) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn join_raw(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&[0x7F, 0xF1, 0, 0]).unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    stream.write_all(&[&[0, 0, 0, HELLO.len() as u8], HELLO].concat()).unwrap();
    // WELCOME.
    assert!(stream.read(&mut [0; 4096]).unwrap() > 8);
    stream
}

fn join_websocket(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    assert!(stream.read(&mut [0; 4096]).unwrap() > 12);
    // A text frame under a mask of zeros.
    stream.write_all(&[&[0x81, 0x80 | HELLO.len() as u8, 0, 0, 0, 0], HELLO].concat()).unwrap();
    assert!(stream.read(&mut [0; 4096]).unwrap() > 8);
    stream
}
