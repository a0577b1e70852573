//! `wamp router` with a configuration file.

use std::{
    io::{Read as _, Write as _},
    path::PathBuf,
};

use crate::harness::{Directory, Running, ready_urls, start, wamp};

const FILE: &str = r#"
[[listeners]]
url = "ws://127.0.0.1:0"

[realms.realm1]
anonymous = "guest"

[roles.guest]
rules = [
    { uri = "com.example.", match = "prefix", allow = ["call", "register", "subscribe"] },
    { uri = "com.example.secret", deny = ["call"] },
]

[roles.staff]
allow_all = true

[users.joe]
role = "staff"
ticket = "hunter2"
"#;

/// A configuration file in a directory of its own.
struct Written {
    directory: Directory,
    path: PathBuf,
}

impl Written {
    fn new(text: &str) -> Self {
        let directory = Directory::new();
        let path = directory.file("router.toml");
        let written = Self { directory, path };
        written.write(text);
        written
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.path, text).unwrap();
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Runs a router with it.
    fn run(&self) -> (Running, String) {
        let ready = self.directory.file("ready");
        let arguments = ["router", "run", "--config", self.path(), "--ready-file", ready.to_str().unwrap()];
        let process = start(&arguments, &[], b"");
        let url = ready_urls(&ready).swap_remove(0);
        (process, url)
    }
}

#[test]
fn a_good_file_is_summed_up() {
    let file = Written::new(FILE);
    assert_eq!(wamp(&["router", "check", file.path()]).ok(), "1 listener, 1 realm, 2 roles, 1 user\n");
}

#[test]
fn mistakes_have_a_place() {
    for (from, to, place, what) in [
        ("anonymous =", "anonymus =", ":6:1:", "did you mean `anonymous`?"),
        ("role = \"staff\"", "role = \"staf\"", ":18:1:", "did you mean `staff`?"),
        ("ticket = \"hunter2\"", "public_keys = [\"00\"]", ":19:", "64 hex digits"),
        ("ticket = \"hunter2\"", "ticket = { file = \"none\" }", ":19:1:", "cannot read the secret"),
        ("[realms.realm1]", "[realms.realm2]\nauth = []\n[realms.realm1]", "", "2 realms"),
    ] {
        let file = Written::new(&FILE.replace(from, to));
        let ended = wamp(&["router", "check", file.path()]);
        if place.is_empty() {
            assert!(ended.ok().contains(what));
            continue;
        }
        let error = ended.failed(2);
        assert!(error.contains(&format!("router.toml{place}")) && error.contains(what), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let file = Written::new("[realms.realm1]\n");
    let error = wamp(&["router", "check", file.path()]).failed(2);
    assert!(error.contains(":1:9: ") && error.contains("nobody can join"), "{error}");
}

#[test]
fn permissions_are_explained() {
    let file = Written::new(FILE);
    let explain = |role: &str, action: &str, uri: &str| {
        wamp(&["router", "permissions", "explain", "--config", file.path(), role, action, uri])
    };
    let allowed = explain("guest", "call", "com.example.add").ok();
    assert!(allowed.starts_with("allowed: the rule for prefix `com.example.`"), "{allowed}");
    let denied = explain("guest", "call", "com.example.secret");
    assert_eq!((denied.code, denied.stderr.as_str()), (6, ""));
    assert!(denied.stdout.starts_with("denied: the rule for exact `com.example.secret`"), "{denied:?}");
    assert_eq!(explain("guest", "publish", "org.other").code, 6);
    assert!(explain("staff", "publish", "org.other").ok().contains("everything"));
    assert!(explain("stuff", "publish", "org.other").failed(2).contains("no role"));
}

#[test]
fn what_is_not_allowed_is_denied() {
    let file = Written::new(FILE);
    let (router, url) = file.run();
    let client = |arguments: &[&str]| start(arguments, &[("WAMP_URL", &*url)], b"");
    let service = client(&["register", "com.example.add", "--echo"]);
    service.says("registered ");
    assert_eq!(client(&["call", "com.example.add", "1"]).end().ok(), "1\n");
    client(&["call", "com.example.secret"]).end().failed(6);
    client(&["register", "org.other", "--echo"]).end().failed(6);
    drop(router);
}

#[test]
fn a_hangup_reloads_and_disturbs_nobody_it_does_not_concern() {
    let file = Written::new(FILE);
    let (router, url) = file.run();
    let client = |arguments: &[&str]| start(arguments, &[("WAMP_URL", &*url)], b"");
    let service = client(&["register", "com.example.add", "--echo"]);
    service.says("registered ");
    client(&["call", "com.example.secret"]).end().failed(6);

    file.write(&FILE.replace("role = \"staff\"", "role = \"nobody\""));
    router.signal("HUP");
    assert!(router.says("not reloaded").contains("there is no role"));
    client(&["call", "com.example.secret"]).end().failed(6);

    let fresh = FILE.replace("deny = [\"call\"]", "allow = [\"call\"]");
    file.write(&fresh.replace("127.0.0.1:0", "127.0.0.1:1"));
    router.signal("HUP");
    router.says("reloaded roles, users and certificates");
    router.says("changed listeners take effect after a restart only");
    client(&["call", "com.example.secret"]).end().failed(8);
    assert_eq!(client(&["call", "com.example.add", "1"]).end().ok(), "1\n");

    // Anonymous clients are gone as soon as nobody lets them in.
    file.write(&fresh.replace("anonymous = \"guest\"", ""));
    router.signal("HUP");
    let error = service.end().failed(11);
    assert!(error.contains("who may join has changed"), "{error}");
    client(&["call", "com.example.add", "1"]).end().failed(5);
}

/// Sends a request to the address that a line of the router's log ends with.
fn get(line: &str, path: &str) -> String {
    let (_, address) = line.trim_end().rsplit_once("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address.trim_end_matches(['"', '}'])).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn figures_over_http_and_a_log_for_programs() {
    let more = "[http]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"debug\"\nformat = \"json\"\n";
    let file = Written::new(&format!("{FILE}\n{more}"));
    let (router, url) = file.run();
    let line = router.says("metrics and health on ");
    assert!(line.starts_with('{') && line.contains("\"level\":\"INFO\""), "{line}");
    let client = start(&["call", "com.example.secret"], &[("WAMP_URL", &*url)], b"");
    client.end().failed(6);
    let denied = router.says("\"message\":\"denied\"");
    for field in ["\"name\":\"connection\"", "\"peer\":\"127.0.0.1:", "\"realm\":\"realm1\"", "\"session\":"]
    {
        assert!(denied.contains(field), "{field} in {denied}");
    }
    let metrics = get(&line, "/metrics");
    assert!(metrics.contains("\nwamp_denials_total 1\n"), "{metrics}");
    assert!(get(&line, "/readyz").ends_with("\r\n\r\nready\n"));
    file.write(&format!("{FILE}\n{}", more.replace("debug", "trace").replace(":0", ":1")));
    router.signal("HUP");
    router.says("changed HTTP settings take effect after a restart only");
    router.says("changed log settings take effect after a restart only");

    let flags =
        ["router", "run", "--listen", "ws://127.0.0.1:0", "--http", "127.0.0.1:0", "--log-format", "text"];
    let open = start(&flags, &[], b"");
    let line = open.says("metrics and health on ");
    assert!(line.starts_with("metrics"), "{line}");
    assert!(get(&line, "/healthz").starts_with("HTTP/1.1 200 "));
    let taken = line.trim_end().rsplit_once("http://").unwrap().1;
    let error = wamp(&["router", "run", "--listen", "ws://127.0.0.1:0", "--http", taken]).failed(2);
    assert!(error.contains(taken) && error.contains("in use"), "{error}");
    let error = wamp(&["router", "run", "--listen", "ws://127.0.0.1:0", "--http", "nowhere"]).failed(2);
    assert!(error.contains("the port is missing"), "{error}");
}

#[test]
fn flags_that_contradict_the_file_are_refused() {
    let file = Written::new(FILE);
    let ended = wamp(&["router", "run", "--config", file.path(), "--listen", "ws://127.0.0.1:0"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(wamp(&["router", "schema"]).ok().contains("\"additionalProperties\": false"));
}

#[test]
fn the_example_of_the_documents_is_right() {
    let chapter = include_str!("../../../docs/router-configuration.md");
    let example = chapter.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = Written::new(example);
    assert_eq!(wamp(&["router", "check", file.path()]).ok(), "1 listener, 1 realm, 2 roles, 1 user\n");
}
