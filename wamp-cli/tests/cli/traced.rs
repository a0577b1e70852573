//! `wamp trace`: what passes is printed, and passes.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::harness::{Directory, Router, Running, guarded, scripted, start, wamp};

/// A proxy before a router, and where it listens.
fn trace(upstream: &str, more: &[&str]) -> (Running, String) {
    let scheme = if upstream.contains("ws") { "ws" } else { "tcp" };
    let listen = format!("{scheme}://:0");
    let proxy = start(&[&["trace", "--listen", &listen, "--upstream", upstream], more].concat(), &[], b"");
    let line = proxy.says("listening on ");
    let url = line["listening on ".len()..].split(',').next().unwrap().to_owned();
    (proxy, url)
}

#[test]
fn every_message_over_every_transport_and_serializer() {
    let router = Router::start();
    let _echo = router.register("com.example.echo", &["--echo"]);
    for upstream in &router.urls {
        for serializer in ["json", "msgpack", "cbor"] {
            let (proxy, url) = trace(upstream, &["--count", "6"]);
            let call = ["-u", &url, "--serializer", serializer, "call", "com.example.echo", "7", "hex:00ff"];
            assert_eq!(wamp(&call).ok(), "{\"args\":[7,\"b64:AP8=\"],\"kwargs\":{}}\n");
            let ended = proxy.end();
            let lines = ended.stdout.lines().collect::<Vec<_>>();
            assert_eq!((ended.code, lines.len()), (0, 6), "{ended:?}");
            for (line, (from, kind)) in lines.iter().zip([
                ("client", "HELLO"),
                ("router", "WELCOME"),
                ("client", "CALL"),
                ("router", "RESULT"),
                ("client", "GOODBYE"),
                ("router", "GOODBYE"),
            ]) {
                let expected =
                    format!("\"connection\":1,\"from\":\"{from}\",\"type\":\"{kind}\",\"message\":[");
                assert!(line.starts_with("{\"time\":\"20") && line.contains(&expected), "{line}");
            }
            let call = r#""com.example.echo",[7,"b64:AP8="]]}"#;
            assert!(lines[2].ends_with(call), "{ended:?}");
        }
    }
}

#[test]
fn secrets_pass_and_are_not_shown() {
    let router = guarded::Guarded::start();
    let login = ["--authid", "ticket", "--ticket", guarded::SECRET, "-r", "guarded"];
    for (flags, shown) in [(&["--count", "8"][..], false), (&["--count", "8", "--show-secrets"], true)] {
        let (proxy, url) = trace(&router.url(), flags);
        let printed = wamp(&[&["-q", "-u", &url, "ping", "--count", "1"], &login[..]].concat()).ok();
        assert!(printed.contains("\"round_trips\":1"));
        let ended = proxy.end();
        assert!(ended.stdout.contains("\"type\":\"AUTHENTICATE\""), "{ended:?}");
        assert_eq!(ended.stdout.contains(guarded::SECRET), shown, "{ended:?}");
    }
}

#[test]
fn plaintext_goes_in_and_tls_goes_out() {
    let directory = Directory::new();
    wamp(&["-q", "keygen", "tls", directory.file("").to_str().unwrap()]).ok();
    let router = guarded::Guarded::start_tls(&directory.file(""));
    let file = |name: &str| directory.file(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    let certificate = ["--cert", &cert, "--key", &key];
    for upstream in [router.secure_url(), format!("tcps://{}", router.secure_address())] {
        let flags = [&["--cacert", ca.as_str(), "--count", "6"], &certificate[..]].concat();
        let (proxy, url) = trace(&upstream, &flags);
        // The router sees the certificate of the proxy.
        let ask = ["-u", &url, "-r", "guarded", "--authmethod", "tls", "meta", "session", "count"];
        assert_eq!(wamp(&[&ask, &certificate[..]].concat()).ok(), "1\n");
        let ended = proxy.end();
        let lines = ended.stdout.lines().collect::<Vec<_>>();
        assert_eq!((ended.code, lines.len()), (0, 6), "{ended:?}");
        for (line, kind) in lines.iter().zip(["HELLO", "WELCOME", "CALL", "RESULT", "GOODBYE", "GOODBYE"]) {
            assert!(line.contains(&format!("\"type\":\"{kind}\",\"message\":[")), "{line}");
        }
        assert!(lines[2].contains("wamp.session.count"), "{ended:?}");
    }
    // Whom nobody trusts, nothing is sent to.
    let (proxy, url) = trace(&router.secure_url(), &["--cacert", &cert]);
    wamp(&["-u", &url, "call", "x"]).failed(3);
    let line = proxy.line();
    assert!(line.contains("no connection to wss://localhost:") && line.contains("not trusted"), "{line}");
    let flags = ["--listen", "ws://:0", "--upstream", "wss://localhost/ws", "--cacert", "/no/such/file"];
    assert!(wamp(&[&["trace"], &flags[..]].concat()).failed(2).contains("/no/such/file"));
}

#[test]
fn what_is_malformed_is_flagged_and_passes() {
    let upstream = scripted(&["[2,7]", "nonsense"]);
    let (proxy, url) = trace(&upstream, &["--count", "4"]);
    let mut client = TcpStream::connect(url.strip_prefix("tcp://").unwrap()).unwrap();
    client.write_all(b"\x7F\xF1\0\0\0\0\0\x07[1,2,3]").unwrap();
    let mut got = [0; 13];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"\x7F\xF1\0\0\0\0\0\x05[2,7]");
    client.write_all(b"\0\0\0\x03[99").unwrap();
    let mut got = [0; 12];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"\0\0\0\x08nonsense");
    let ended = proxy.end();
    for (line, said) in
        ended.stdout.lines().zip(["HELLO: element 1", "WELCOME must have 3", "decode", "decode"])
    {
        assert!(line.contains("\"error\":\"") && line.contains(said), "{line}");
    }
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 4), "{ended:?}");
}

#[test]
fn a_router_that_is_not_there_is_said() {
    let (proxy, url) = trace("tcp://127.0.0.1:1", &[]);
    wamp(&["-u", &url, "call", "x"]).failed(3);
    assert!(proxy.line().contains("no connection to tcp://127.0.0.1:1"));
    proxy.signal("INT");
    assert_eq!(proxy.end().code, 130);
    wamp(&["trace", "--listen", "unix:///tmp/x", "--upstream", "ws://localhost/ws"]).failed(2);
}
