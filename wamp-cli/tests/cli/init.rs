//! `wamp router init` and `wamp router passwd`: what they write is good for a router.

use std::os::unix::fs::PermissionsExt as _;

use crate::{
    configured::Written,
    harness::{Directory, start, wamp},
};

#[test]
fn every_template_is_a_router() {
    for (template, summary) in [
        ("dev", "1 listener, 1 realm, 1 role, 0 users\n"),
        ("static-auth", "1 listener, 1 realm, 2 roles, 2 users\n"),
        ("tls", "1 listener, 1 realm, 2 roles, 2 users\n"),
    ] {
        let directory = Directory::new();
        let path = directory.file("wamp-router.toml");
        let path = path.to_str().unwrap();
        let init = ["router", "init", path, "--template", template];
        wamp(&[&["-q"], &init[..]].concat()).ok();
        if template == "tls" {
            wamp(&["-q", "keygen", "tls", directory.file("tls").to_str().unwrap()]).ok();
        }
        assert_eq!(wamp(&["router", "check", path]).ok(), summary);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            !text.contains('@') && text.contains(&format!("wamp router run --config {path}\n")),
            "{text}"
        );
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        // What somebody has written is not lost, and each file has secrets of its own.
        let error = wamp(&init).failed(2);
        assert!(error.contains("--force"), "{error}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
        wamp(&[&["-q"], &init[..], &["--force"]].concat()).ok();
        assert_eq!(std::fs::read_to_string(path).unwrap() == text, template == "dev");
    }
}

/// The text between the quotes that follow.
fn quoted<'a>(text: &'a str, before: &str) -> &'a str {
    text.split_once(before).unwrap().1.split('"').next().unwrap()
}

#[test]
fn the_users_of_a_template_can_do_what_its_comments_say() {
    let directory = Directory::new();
    let path = directory.file("router.toml");
    wamp(&["-q", "router", "init", path.to_str().unwrap(), "--template", "static-auth"]).ok();
    let text = std::fs::read_to_string(path).unwrap();
    let file = Written::new(&text.replace("127.0.0.1:8080\"", "127.0.0.1:0\""));
    let (_router, url) = file.run();
    let secret = quoted(&text, "wampcra = { secret = \"");
    let backend = [("WAMP_URL", &*url), ("WAMP_AUTHID", "backend"), ("WAMP_SECRET", secret)];
    let service = start(&["register", "com.example.echo", "--echo"], &backend, b"");
    service.says("registered ");
    let app = [("WAMP_URL", &*url), ("WAMP_AUTHID", "app"), ("WAMP_TICKET", quoted(&text, "ticket = \""))];
    assert_eq!(start(&["call", "com.example.echo", "1"], &app, b"").end().ok(), "1\n");
    start(&["call", "com.example.internal.x"], &app, b"").end().failed(6);
    start(&["call", "com.example.echo", "1"], &[("WAMP_URL", &*url)], b"").end().failed(5);
}

const OPEN: &str =
    "[[listeners]]\nurl = \"ws://127.0.0.1:0\"\n[realms.realm1]\n[roles.user]\nallow_all = true\n";

/// A password with everything in it that means something in TOML, in JSON or in the configuration.
const PASSWORD: &str = "a \"quoted\" $word ${HOME} \\ 7";

#[test]
fn what_passwd_prints_lets_the_user_in() {
    let mut text = OPEN.to_owned();
    let users = [("wamp-scram", "WAMP_PASSWORD"), ("wampcra", "WAMP_SECRET"), ("ticket", "WAMP_TICKET")];
    for (method, _) in users {
        let name = format!("user of {method}");
        let arguments = ["router", "passwd", &name, "--method", method];
        let printed = start(&arguments, &[("WAMP_PASSWORD", PASSWORD)], b"").end().ok();
        assert_eq!(printed.contains("quoted"), method == "ticket", "{printed}");
        text += &printed;
    }
    let from_stdin =
        ["router", "passwd", "joe", "--kdf", "pbkdf2", "--iterations", "5000", "--password-file", "-"];
    text += &start(&from_stdin, &[], b"pencil\n").end().ok();
    assert!(wamp(&["router", "passwd", "joe"]).failed(2).contains("WAMP_PASSWORD"));
    let file = Written::new(&text);
    let (_router, url) = file.run();
    let count = |user: &str, variable: &str, secret: &str| {
        let environment = [("WAMP_URL", &*url), ("WAMP_AUTHID", user), (variable, secret)];
        start(&["call", "wamp.session.count"], &environment, b"").end()
    };
    for (method, variable) in users {
        let user = format!("user of {method}");
        assert_eq!(count(&user, variable, PASSWORD).ok(), "1\n", "{text}");
        count(&user, variable, "wrong").failed(5);
    }
    assert_eq!(count("joe", "WAMP_PASSWORD", "pencil").ok(), "1\n");
}

/// `wamp auth derive` and `wamp auth scram` print what a file in JSON has, word for word.
#[test]
fn what_auth_prints_can_be_pasted() {
    let with = |variable: &str, arguments: &[&str]| start(arguments, &[(variable, PASSWORD)], b"").end().ok();
    let derived = with("WAMP_SECRET", &["auth", "derive"]);
    let scram = with("WAMP_PASSWORD", &["auth", "scram", "--memory", "4096", "--iterations", "1"]);
    let directory = Directory::new();
    let (path, ready) = (directory.file("router.json"), directory.file("ready"));
    let text = format!(
        r#"{{"listeners": [{{"url": "ws://127.0.0.1:0"}}], "realms": {{"realm1": {{}}}}, "roles": {{"user": {{"allow_all": true}}}},
        "users": {{"cra": {{"role": "user", "wampcra": {derived}}}, "scram": {{"role": "user", "scram": {scram}}}}}}}"#
    );
    std::fs::write(&path, text).unwrap();
    let run = ["router", "run", "--config", path.to_str().unwrap(), "--ready-file", ready.to_str().unwrap()];
    let _router = start(&run, &[], b"");
    let url = crate::harness::ready_urls(&ready).swap_remove(0);
    for (user, variable) in [("cra", "WAMP_SECRET"), ("scram", "WAMP_PASSWORD")] {
        let environment = [("WAMP_URL", &*url), ("WAMP_AUTHID", user), (variable, PASSWORD)];
        assert_eq!(start(&["call", "wamp.session.count"], &environment, b"").end().ok(), "1\n");
    }
}
