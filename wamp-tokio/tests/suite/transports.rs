//! Peers that do not keep to the rules of their transport; and what the router tells them.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        protocol::frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};
use wamp_tokio::{ConnectError, Router, RouterBuilder};

use crate::harness::{echo, run, settle, within};

async fn start(change: impl FnOnce(RouterBuilder) -> RouterBuilder) -> (Router, String) {
    let router = change(Router::builder().listen("ws://127.0.0.1:0")).await.unwrap();
    let url = router.url().unwrap();
    (router, url)
}

fn address(url: &str) -> String {
    url.strip_prefix("ws://").unwrap().trim_end_matches("/ws").to_owned()
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn websocket(url: &str, protocol: &str) -> Result<Socket, tungstenite::Error> {
    let mut request = url.into_client_request().unwrap();
    if !protocol.is_empty() {
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol.parse().unwrap());
    }
    within(tokio_tungstenite::connect_async(request)).await.map(|(socket, _)| socket)
}

/// The HTTP status that a handshake is refused with.
async fn refused(url: &str, protocol: &str) -> u16 {
    match websocket(url, protocol).await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

/// The code of the close frame that comes.
async fn close_code(socket: &mut Socket) -> CloseCode {
    loop {
        match within(socket.next()).await {
            Some(Ok(Message::Close(Some(close)))) => return close.code,
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Everything that comes until the peer closes.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = within(stream.read_to_end(&mut rest)).await;
    rest
}

const HELLO: &str = r#"[1,"realm1",{"roles":{"caller":{}}}]"#;

#[test]
fn websocket_handshakes_that_are_refused() {
    run(async {
        let (router, url) = start(|builder| builder.max_connections(1)).await;
        for protocol in ["", "wamp.3.json", "graphql-ws"] {
            assert_eq!(refused(&url, protocol).await, 400, "{protocol}");
        }
        let client = wamp_tokio::connect(&url).await.unwrap();
        assert_eq!(refused(&url, "wamp.2.json").await, 503);
        let error = within(wamp_tokio::connect(&url)).await.unwrap_err();
        assert!(error.to_string().contains("too many connections"), "{error}");
        let raw = within(wamp_tokio::connect(&format!("tcp://{}", address(&url)))).await.unwrap_err();
        assert!(matches!(&raw, ConnectError::Handshake { why, .. } if why.contains("error 4")), "{raw}");
        let mut stream = TcpStream::connect(address(&url)).await.unwrap();
        stream.write_all(&[0x7F, 0xF1, 0, 0]).await.unwrap();
        assert_eq!(rest(&mut stream).await, [0x7F, 0x40, 0, 0]);
        within(client.close()).await;
        settle(&router, |counts| counts.connections == 0).await;
        // There is room again, as soon as the connection's task is done.
        let again = async {
            loop {
                if let Ok(client) = wamp_tokio::connect(&url).await {
                    return client;
                }
            }
        };
        assert!(within(again).await.close_reason().is_none());
    });
}

#[test]
fn garbage_is_closed_and_nobody_else_minds() {
    run(async {
        let (router, url) = start(|builder| builder).await;
        let client = wamp_tokio::connect(&url).await.unwrap();
        client.register("t.echo", echo).await.unwrap();
        let garbage: [&[u8]; 6] = [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /ws HTTP/1.1\r\nContent-Length: 4\r\n\r\nwhat",
            b"\0\0\0\0\0\0\0\0\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03\r\n\r\n",
            &[b'x'; 100_000],
        ];
        for bytes in garbage {
            let mut stream = TcpStream::connect(address(&url)).await.unwrap();
            // The router may close before it has read everything.
            let _ = stream.write_all(bytes).await;
            let answer = rest(&mut stream).await;
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{bytes:?}: {answer:?}");
        }
        assert_eq!(client.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
        assert_eq!(router.counts().connections, 1);
    });
}

#[test]
fn websocket_messages_that_break_the_rules() {
    run(async {
        let (router, url) =
            start(|builder| builder.config(|config| config.limits.message_size = 10_000)).await;
        let frame = |opcode, payload: &'static [u8]| {
            Message::Frame(Frame::message(payload, OpCode::Data(opcode), true))
        };
        let mut reserved = Frame::message(&b"x"[..], OpCode::Data(Data::Text), true);
        reserved.header_mut().rsv1 = true;
        let cases = [
            ("wamp.2.msgpack", Message::text("[1]"), CloseCode::Unsupported),
            ("wamp.2.cbor", Message::text("[1]"), CloseCode::Unsupported),
            ("wamp.2.json", Message::binary(&b"[1]"[..]), CloseCode::Unsupported),
            ("wamp.2.json", Message::text("x".repeat(10_001)), CloseCode::Size),
            ("wamp.2.cbor", Message::binary(vec![0; 1 << 20]), CloseCode::Size),
            ("wamp.2.json", frame(Data::Text, b"[1,\"\xFF\"]"), CloseCode::Invalid),
            ("wamp.2.json", frame(Data::Continue, b"x"), CloseCode::Protocol),
            ("wamp.2.json", Message::Frame(reserved), CloseCode::Protocol),
        ];
        for (protocol, message, code) in cases {
            let mut socket = websocket(&url, protocol).await.unwrap();
            let shown = format!("{protocol} {:.60}", format!("{message:?}"));
            // The router may have closed before everything is sent.
            let _ = within(socket.send(message)).await;
            assert_eq!(close_code(&mut socket).await, code, "{shown}");
        }
        settle(&router, |counts| counts.connections == 0).await;
    });
}

#[test]
fn a_message_that_breaks_the_protocol_is_answered_by_abort() {
    run(async {
        let (router, url) = start(|builder| builder).await;
        for message in ["[]", "{", "[99]", "[1]", "[8,32,1,{},\"a.b\"]"] {
            let mut socket = websocket(&url, "wamp.2.json").await.unwrap();
            socket.send(Message::text(message)).await.unwrap();
            let answer = within(socket.next()).await.unwrap().unwrap().into_text().unwrap();
            assert!(
                answer.starts_with("[3,") && answer.contains("protocol_violation"),
                "{message}: {answer}"
            );
        }
        settle(&router, |counts| counts.connections == 0).await;
    });
}

#[test]
fn a_websocket_ping_is_answered() {
    run(async {
        let (_router, url) = start(|builder| builder).await;
        let mut socket = websocket(&url, "wamp.2.json").await.unwrap();
        for payload in [&b""[..], b"are you there"] {
            socket.send(Message::Ping(payload.into())).await.unwrap();
            assert_eq!(within(socket.next()).await.unwrap().unwrap(), Message::Pong(payload.into()));
        }
        socket.send(Message::text(HELLO)).await.unwrap();
        let welcome = within(socket.next()).await.unwrap().unwrap();
        assert!(welcome.to_text().unwrap().starts_with("[2,"));
        // A peer that leaves in the way of its transport has left.
        socket.close(None).await.unwrap();
        while within(socket.next()).await.is_some() {}
        settle(&_router, |counts| counts.connections == 0).await;
    });
}

#[test]
fn rawsocket_handshakes_and_frames_that_break_the_rules() {
    run(async {
        let (router, url) =
            start(|builder| builder.config(|config| config.limits.message_size = 1 << 10)).await;
        let open: &[u8] = &[0x7F, 0xF1, 0, 0];
        let opened: &[u8] = &[0x7F, 0x11, 0, 0];
        let cases: [(&[u8], &[u8], &[u8]); 9] = [
            (&[0x7F, 0xF0, 0, 0], &[], &[0x7F, 0x10, 0, 0]),
            (&[0x7F, 0xF9, 0, 0], &[], &[0x7F, 0x10, 0, 0]),
            (&[0x7F, 0xF1, 1, 0], &[], &[0x7F, 0x30, 0, 0]),
            // Too long, also by the 25th bit; types and bits that are reserved.
            (open, &[0, 0, 4, 1], opened),
            (open, &[8, 0, 0, 0], opened),
            (open, &[3, 0, 0, 0], opened),
            (open, &[7, 0, 0, 0], opened),
            (open, &[16, 0, 0, 0], opened),
            (open, &[0x80, 0, 0, 0], opened),
        ];
        for (handshake, frame, answer) in cases {
            let mut stream = TcpStream::connect(address(&url)).await.unwrap();
            stream.write_all(handshake).await.unwrap();
            let mut start = [0; 4];
            within(stream.read_exact(&mut start)).await.unwrap();
            assert_eq!(start, answer, "{handshake:?}");
            let _ = stream.write_all(frame).await;
            assert_eq!(rest(&mut stream).await, [], "{frame:?}");
        }
        settle(&router, |counts| counts.connections == 0).await;
    });
}

#[test]
fn rawsocket_pings_and_single_bytes() {
    run(async {
        let (router, url) = start(|builder| builder).await;
        let mut stream = TcpStream::connect(address(&url)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut bytes = vec![0x7F, 0xF1, 0, 0];
        bytes.extend([1, 0, 0, 3, b'a', b'b', b'c']);
        // A PONG that nobody asked for.
        bytes.extend([2, 0, 0, 1, b'x']);
        bytes.extend(u32::try_from(HELLO.len()).unwrap().to_be_bytes());
        bytes.extend(HELLO.as_bytes());
        for byte in bytes {
            stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut start = [0; 11];
        within(stream.read_exact(&mut start)).await.unwrap();
        assert_eq!(start, [0x7F, 0xB1, 0, 0, 2, 0, 0, 3, b'a', b'b', b'c']);
        let mut welcome = [0; 7];
        within(stream.read_exact(&mut welcome)).await.unwrap();
        assert_eq!(&welcome[4..], b"[2,");
        assert_eq!(router.counts().sessions, 1);
        drop(stream);
        settle(&router, |counts| counts.connections == 0).await;
    });
}

#[test]
fn half_a_frame_and_silence() {
    run(async {
        let (router, url) = start(|builder| builder).await;
        let tcp = format!("tcp://{}", address(&url));
        let clients = [wamp_tokio::connect(&url).await.unwrap(), wamp_tokio::connect(&tcp).await.unwrap()];
        clients[0].register("t.echo", echo).await.unwrap();
        let mut silent = Vec::new();
        for part in
            [&[0x7F, 0xF1, 0, 0, 0, 0][..], &[0x7F, 0xF1, 0, 0, 0, 0, 0, 50, b'['], &[0x7F], b"GET /ws HT"]
        {
            let mut stream = TcpStream::connect(address(&url)).await.unwrap();
            stream.write_all(part).await.unwrap();
            silent.push(stream);
        }
        let mut socket = websocket(&url, "wamp.2.json").await.unwrap();
        let MaybeTlsStream::Plain(stream) = socket.get_mut() else { panic!() };
        stream.write_all(&[0x81, 0xFE, 0x01]).await.unwrap();
        for client in clients.iter().cycle().take(20) {
            assert_eq!(within(client.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
        }
        drop((silent, socket));
        settle(&router, |counts| counts.connections == 2).await;
    });
}

#[test]
fn handshakes_have_their_time() {
    run(async {
        let timeout = Duration::from_secs(1);
        let (router, url) = start(|builder| builder.handshake_timeout(timeout).max_handshakes(3)).await;
        let mut slow = Vec::new();
        for part in [&b""[..], b"GET /ws HTTP/1.1\r\n", &[0x7F, 0xF1]] {
            let mut stream = TcpStream::connect(address(&url)).await.unwrap();
            stream.write_all(part).await.unwrap();
            slow.push(stream);
        }
        // All places for handshakes are taken; others wait until these have had their time.
        let client = within(wamp_tokio::connect(&url)).await.unwrap();
        for stream in &mut slow {
            assert_eq!(rest(stream).await, []);
        }
        for _ in 0..10 {
            assert!(within(wamp_tokio::connect(&url)).await.is_ok());
        }
        within(client.close()).await;
        settle(&router, |counts| counts.connections == 0).await;
    });
}

#[test]
fn hello_must_come_in_time() {
    run(async {
        let (router, url) =
            start(|builder| builder.config(|config| config.hello_timeout = Duration::from_millis(200))).await;
        let mut socket = websocket(&url, "wamp.2.json").await.unwrap();
        let mut stream = TcpStream::connect(address(&url)).await.unwrap();
        stream.write_all(&[0x7F, 0xF1, 0, 0]).await.unwrap();
        let abort = within(socket.next()).await.unwrap().unwrap().into_text().unwrap();
        assert!(abort.starts_with("[3,") && abort.contains("HELLO"), "{abort}");
        let rest = rest(&mut stream).await;
        assert!(rest.windows(5).any(|part| part == b"HELLO"), "{rest:?}");
        settle(&router, |counts| counts.connections == 0).await;
    });
}

#[test]
fn a_client_that_meets_another_server_says_so() {
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
            }
        });
        let error = within(wamp_tokio::connect(&format!("ws://{address}/ws"))).await.unwrap_err();
        assert!(matches!(&error, ConnectError::Handshake { why, .. } if why.contains("404")), "{error}");
        let error = within(wamp_tokio::connect(&format!("tcp://{address}"))).await.unwrap_err();
        assert!(matches!(error, ConnectError::Handshake { .. }), "{error}");
        // One that accepts and never says a word.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        for scheme in ["ws", "tcp"] {
            let url = format!("{scheme}://{}", silent.local_addr().unwrap());
            let connect = wamp_tokio::connect(&url).connect_timeout(Duration::from_millis(100));
            assert!(matches!(within(connect).await, Err(ConnectError::Timeout { .. })));
        }
    });
}
