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
pub(crate) struct Written {
    pub(crate) directory: Directory,
    path: PathBuf,
}

impl Written {
    pub(crate) fn new(text: &str) -> Self {
        let directory = Directory::new();
        let path = directory.file("router.toml");
        let written = Self { directory, path };
        written.write(text);
        written
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(&self.path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Runs a router with it.
    pub(crate) fn run(&self) -> (Running, String) {
        self.run_with(&[])
    }

    /// The same, with these variables in its environment.
    pub(crate) fn run_with(&self, environment: &[(&str, &str)]) -> (Running, String) {
        let ready = self.directory.file("ready");
        let arguments = ["router", "run", "--config", self.path(), "--ready-file", ready.to_str().unwrap()];
        let process = start(&arguments, environment, b"");
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
    let decides = "allowed: the rule for prefix `com.example.` decides: it allows call, register, subscribe and denies nothing\n";
    assert_eq!(allowed, decides);
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

/// The session that came in by the old ticket ends, the guest's goes on.
#[test]
fn a_hangup_with_another_ticket_ends_the_sessions_of_the_old_one() {
    let file = Written::new(FILE);
    let (router, url) = file.run();
    let client = |arguments: &[&str]| start(arguments, &[("WAMP_URL", &*url)], b"");
    let service = client(&["register", "com.example.add", "--echo"]);
    service.says("registered ");
    let joe = start(
        &["subscribe", "com.example.news", "--authid", "joe"],
        &[("WAMP_URL", &*url), ("WAMP_TICKET", "hunter2")],
        b"",
    );
    joe.says("subscribed");
    file.write(&FILE.replace("hunter2", "hunter3"));
    router.signal("HUP");
    let ended = joe.end();
    assert!(
        ended.code == 11 && ended.stderr.contains("the credential of this user has changed"),
        "{ended:?}"
    );
    assert_eq!(client(&["call", "com.example.add", "1"]).end().ok(), "1\n");
}

#[test]
fn a_pattern_makes_realms() {
    let tenants = "[realms.tenants]\npattern = \"tenant-*\"\nmax_realms = 1\n";
    let file = Written::new(&FILE.replace("[realms.realm1]\n", tenants));
    let (router, url) = file.run();
    let client = |realm: &str, arguments: &[&str]| {
        start(&[arguments, &["--realm", realm]].concat(), &[("WAMP_URL", &*url)], b"")
    };
    let service = client("tenant-a", &["register", "com.example.add", "--echo"]);
    service.says("registered ");
    assert_eq!(client("tenant-a", &["call", "com.example.add", "1"]).end().ok(), "1\n");
    let error = client("tenant-b", &["call", "com.example.add", "1"]).end().failed(5);
    assert!(error.contains("as many realms"), "{error}");
    for realm in ["tenants", "realm1"] {
        let error = client(realm, &["call", "com.example.add", "1"]).end().failed(5);
        assert!(error.contains("no realm"), "{error}");
    }
    service.signal("TERM");
    service.end();
    // There is room again.
    client("tenant-b", &["call", "com.example.add", "1"]).end().failed(8);
    drop(router);
}

/// Where the router answers HTTP, as a line of its log says.
fn address(line: &str) -> &str {
    let (_, address) = line.split_once("http://").unwrap();
    address.split(|c: char| !c.is_ascii_digit() && !".:".contains(c)).next().unwrap()
}

/// Sends a request there.
fn get(line: &str, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address(line)).unwrap();
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
    let taken = address(&line);
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

/// Everything in the documents that is a configuration file is one.
#[test]
fn the_examples_of_the_documents_are_right() {
    let mut configurations = 0;
    for document in [
        include_str!("../../../README.md"),
        include_str!("../../README.md"),
        include_str!("../../../SECURITY.md"),
        include_str!("../../../docs/router-configuration.md"),
        include_str!("../../../docs/authentication.md"),
    ] {
        let examples = document.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        // The others are of Cargo.
        for example in examples.filter(|example| example.contains("[realms.")) {
            configurations += 1;
            let file = Written::new(example);
            let ended = wamp(&["router", "check", file.path()]);
            assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{example}");
        }
    }
    assert!(configurations >= 1);
}

/// A browser sends a cookie along for every page, so cookies and origins that are not listed do not go together.
#[test]
fn cookies_let_no_page_in_that_is_not_listed() {
    let cookies = FILE.replace("ticket = \"hunter2\"", "cookies = [\"session=hunter2\"]");
    let any = cookies.replace("127.0.0.1:0\"", "127.0.0.1:0\"\norigins = [\"*\"]");
    let error = wamp(&["router", "check", Written::new(&any).path()]).failed(2);
    assert!(error.contains(":4:12:") && error.contains("list the origins"), "{error}");
    let other_method = any.replace("origins", "auth = [\"anonymous\"]\norigins");
    wamp(&["router", "check", Written::new(&other_method).path()]).ok();

    let listed = "127.0.0.1:0\"\norigins = [\"https://app.example.com\"]";
    let file = Written::new(&cookies.replace("127.0.0.1:0\"", listed));
    let (_router, url) = file.run();
    let address = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
    for (origin, status) in [("https://app.example.com", "101"), ("http://127.0.0.1", "403")] {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
        )
        .unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(head, *format!("HTTP/1.1 {status}").as_bytes(), "{origin}");
    }
}
