//! `wamp context`: settings under a name, below flags and environment.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Directory, Ended, Router, guarded, start, start_program};

/// A user with a configuration of their own.
struct User {
    directory: Directory,
}

impl User {
    fn new() -> Self {
        Self { directory: Directory::new() }
    }

    fn wamp_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let home = self.directory.file("config").display().to_string();
        start(arguments, &[&[("XDG_CONFIG_HOME", home.as_str())], environment].concat(), b"").end()
    }

    fn wamp(&self, arguments: &[&str]) -> Ended {
        self.wamp_with(arguments, &[])
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.file("config").join("wamp/contexts.toml")
    }
}

#[test]
fn contexts_come_and_go() {
    let user = User::new();
    assert_eq!(user.wamp(&["context", "ls"]).ok(), "");
    assert!(user.wamp(&["context", "show"]).failed(2).contains("no context is selected"));
    let url = "wss://r.example.com/ws";
    let prod = ["context", "add", "prod", "--url", url, "--realm", "app", "--authid", "joe", "--select"];
    user.wamp(&[&prod[..], &["--private-key-file", "key", "--serializer", "cbor"]].concat()).ok();
    user.wamp(&["context", "add", "dev", "--ticket-env", "MY_TICKET"]).ok();
    assert!(user.wamp(&["context", "add", "dev"]).failed(2).contains("--force"));
    user.wamp(&["context", "add", "dev", "--force", "-r", "dev", "--ticket-env", "MY_TICKET"]).ok();
    let listed = user.wamp(&["context", "ls"]).ok();
    let expected = concat!(
        r#"{"name":"dev","selected":false,"url":null,"realm":"dev","authid":null}"#,
        "\n",
        r#"{"name":"prod","selected":true,"url":"wss://r.example.com/ws","realm":"app","authid":"joe"}"#,
        "\n"
    );
    assert_eq!(listed, expected);
    assert_eq!(
        user.wamp(&["context", "show", "dev"]).ok(),
        "{\"realm\":\"dev\",\"ticket\":{\"env\":\"MY_TICKET\"}}\n"
    );
    // A file is the same one from everywhere.
    let here = std::env::current_dir().unwrap().join("key");
    let shown = user.wamp(&["context", "show"]).ok();
    assert!(shown.contains(&format!("\"private_key\":{{\"file\":\"{}\"}}", here.display())), "{shown}");
    assert_eq!(std::fs::metadata(user.file()).unwrap().permissions().mode() & 0o777, 0o600);
    user.wamp(&["context", "select", "dev"]).ok();
    user.wamp(&["context", "rm", "dev"]).ok();
    assert!(user.wamp(&["context", "show", "dev"]).failed(2).contains("there are: prod"));
    assert!(user.wamp(&["context", "show"]).failed(2).contains("selected"));
    assert!(user.wamp(&["call", "x", "--context", "dev"]).failed(2).contains("no context `dev`"));
}

#[test]
fn nobody_needs_a_home() {
    let router = Router::start();
    let homeless = |arguments: &str| {
        let line = format!("unset HOME XDG_CONFIG_HOME; exec {} {arguments}", env!("CARGO_BIN_EXE_wamp"));
        start_program("sh", &["-c", &line], &[("WAMP_URL", router.url())], b"").end()
    };
    assert_eq!(homeless("call wamp.session.count").ok(), "1\n");
    assert!(homeless("call wamp.session.count --context prod").failed(2).contains("set HOME"));
    assert!(homeless("context ls").failed(2).contains("set HOME"));
}

#[test]
fn no_secret_is_kept() {
    let user = User::new();
    for flag in ["--secret", "--ticket", "--password", "--private-key"] {
        assert!(user.wamp(&["context", "add", "a", flag, "open sesame"]).failed(2).contains("no secrets"));
    }
    user.wamp(&["context", "add", "a", "--secret-file", "-"]).failed(2);
    assert!(!user.file().exists());
}

#[test]
fn flags_beat_the_environment_which_beats_the_context() {
    let user = User::new();
    let router = Router::start_with(&["-r", "a", "-r", "b", "-r", "c"]);
    user.wamp(&["context", "add", "here", "-u", router.url(), "-r", "a", "--select"]).ok();
    user.wamp(&["context", "add", "there", "-u", router.url(), "-r", "nowhere"]).ok();
    let watch = router.register("which", &["-r", "a", "--reply", "\"a\""]);
    let _b = router.register("which", &["-r", "b", "--reply", "\"b\""]);
    let _c = router.register("which", &["-r", "c", "--reply", "\"c\""]);
    assert_eq!(user.wamp(&["call", "which"]).ok(), "a\n");
    assert_eq!(user.wamp_with(&["call", "which"], &[("WAMP_REALM", "b")]).ok(), "b\n");
    assert_eq!(user.wamp_with(&["call", "which", "-r", "c"], &[("WAMP_REALM", "b")]).ok(), "c\n");
    user.wamp(&["call", "which", "--context", "there"]).failed(5);
    user.wamp_with(&["call", "which"], &[("WAMP_CONTEXT", "there")]).failed(5);
    // A router is no client.
    let ended = user.wamp(&["router", "run", "--listen", "tcp://127.0.0.1:0", "--shutdown-after", "1ms"]);
    assert!(ended.code == 0 && ended.stderr.contains("realm realm1"), "{ended:?}");
    drop(watch);
}

#[test]
fn a_context_proves_who_one_is() {
    let router = guarded::Guarded::start();
    let user = User::new();
    let url = router.url();
    let add =
        ["context", "add", "cra", "-u", &url, "-r", "guarded", "--authid", "cra", "--secret-env", "MINE"];
    user.wamp(&[&add[..], &["--select"]].concat()).ok();
    let ping = ["-q", "ping", "--count", "1"];
    let right = ("MINE", guarded::SECRET);
    assert!(user.wamp_with(&ping, &[right]).ok().contains("\"round_trips\":1"));
    user.wamp_with(&ping, &[("MINE", "wrong")]).failed(5);
    // Somebody else, by a flag: nothing of the context's proof is offered.
    let other = ["--authid", "ticket", "--ticket", guarded::SECRET];
    assert!(user.wamp_with(&[&ping[..], &other].concat(), &[right]).ok().contains("\"round_trips\":1"));
}

#[test]
fn a_file_by_hand() {
    let user = User::new();
    let editor = format!("cp {}", user.directory.file("new").display());
    std::fs::write(user.directory.file("new"), "[contexts.a]\nurl = \"ws://localhost\"\n").unwrap();
    let edit = |user: &User| user.wamp_with(&["context", "edit"], &[("VISUAL", &editor)]);
    edit(&user).ok();
    assert!(user.wamp(&["context", "ls"]).ok().contains("\"url\":\"ws://localhost\""));
    std::fs::write(user.directory.file("new"), "[contexts.a]\nsecret = \"open sesame\"\n").unwrap();
    let error = edit(&user).failed(2);
    assert!(error.contains("contexts.toml") && !error.contains("sesame"), "{error}");
    // What is wrong is mended with the same command, and the editor sees what somebody has written, comments and all.
    let mended = "# mine\n[contexts.a]\nurl = \"ws://localhost\"\n";
    std::fs::write(user.directory.file("new"), mended).unwrap();
    edit(&user).ok();
    user.wamp_with(&["context", "edit"], &[("VISUAL", ""), ("EDITOR", "true")]).ok();
    assert_eq!(std::fs::read_to_string(user.file()).unwrap(), mended);
}
