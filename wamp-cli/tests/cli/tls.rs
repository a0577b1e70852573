//! `wss://` from the command line, with the certificates of `wamp keygen tls`.

use std::os::unix::fs::PermissionsExt as _;

use tokio::runtime::Runtime;
use wamp_tokio::Connect;

use crate::harness::{
    Directory, Ended,
    guarded::{Guarded, KEY, SECRET},
    start, wamp,
};

struct Scene {
    router: Guarded,
    directory: Directory,
}

impl Scene {
    fn start() -> Self {
        let directory = Directory::new();
        wamp(&["-q", "keygen", "tls", directory.file("").to_str().unwrap()]).ok();
        Self { router: Guarded::start_tls(&directory.file("")), directory }
    }

    fn file(&self, name: &str) -> String {
        self.directory.file(name).to_str().unwrap().to_owned()
    }

    fn count(&self, realm: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let url = self.router.secure_url();
        let arguments = [&["meta", "session", "count", "-u", &url, "-r", realm], arguments].concat();
        start(&arguments, environment, b"").end()
    }
}

#[test]
fn the_authority_is_trusted_by_name_only() {
    let scene = Scene::start();
    let ca = scene.file("ca.pem");
    assert_eq!(scene.count("realm1", &["--cacert", &ca], &[]).ok(), "1\n");
    assert_eq!(scene.count("realm1", &[], &[("WAMP_CACERT", &ca)]).ok(), "1\n");
    let other = ["--cacert", &ca, "--server-name", "other.example.com"];
    let error = scene.count("realm1", &other, &[]).failed(4);
    assert!(error.contains("not for `other.example.com`"), "{error}");
    // Some other authority: the client's certificate is none.
    let error = scene.count("realm1", &["--cacert", &scene.file("client.pem")], &[]).failed(4);
    assert!(error.contains("not trusted"), "{error}");
    // Plaintext to a port of TLS, and the other way round.
    let plain = scene.router.secure_url().replace("wss://", "ws://");
    let code = wamp(&["call", "x", "-u", &plain]).code;
    assert!(code == 2 || code == 3 || code == 4, "{code}");
    let open = Guarded::start();
    let error = wamp(&["call", "x", "-u", &open.url().replace("ws://", "wss://"), "--cacert", &ca]).failed(4);
    assert!(error.contains("does not speak TLS"), "{error}");
}

#[test]
fn certificates_tickets_and_bound_keys() {
    let scene = Scene::start();
    let (ca, cert, key) = (scene.file("ca.pem"), scene.file("client.pem"), scene.file("client.key"));
    let trusting = ["--cacert", ca.as_str()];
    let count = |more: &[&str], environment: &[(&str, &str)]| {
        scene.count("guarded", &[&trusting[..], more].concat(), environment)
    };
    assert_eq!(count(&["--cert", &cert, "--key", &key], &[]).ok(), "1\n");
    assert_eq!(count(&["--cert", &cert, "--key", &key, "--authmethod", "tls"], &[]).ok(), "1\n");
    assert!(count(&[], &[]).failed(5).contains("wamp.error.authentication_required"));
    assert_eq!(count(&["--authid", "ticket"], &[("WAMP_TICKET", SECRET)]).ok(), "1\n");
    for (user, variable, secret) in [("key", "WAMP_PRIVATE_KEY", KEY), ("scram", "WAMP_PASSWORD", SECRET)] {
        assert_eq!(count(&["--authid", user, "--channel-binding"], &[(variable, secret)]).ok(), "1\n");
    }
    // The same certificate opens the realm of everybody, too.
    assert_eq!(scene.count("realm1", &["--cacert", &ca, "--cert", &cert, "--key", &key], &[]).ok(), "1\n");
}

/// What `a_program` prints when it runs under `wamp run` with these flags.
fn joined_under_run(scene: &Scene, flags: &[&str], environment: &[(&str, &str)]) -> String {
    let (url, ca) = (scene.router.secure_url(), scene.file("ca.pem"));
    let this = std::env::current_exe().unwrap();
    let program = format!("{} --ignored --exact --nocapture tls::a_program", this.display());
    let run = ["run", "--restart", "never", &program, "-u", &url, "-r", "guarded", "--cacert", &ca];
    let ended = start(&[&run, flags].concat(), environment, b"").end();
    let line = ended.stdout.lines().find_map(|line| line.split_once("joined "));
    line.unwrap_or_else(|| panic!("{ended:?}")).1.to_owned()
}

#[test]
#[ignore = "a program that another test runs"]
fn a_program() {
    let joined = async {
        let client = Connect::from_env().await.unwrap();
        let authid = client.welcome().authid.unwrap();
        println!("joined {} as {authid} in {}", client.realm(), client.encoding());
        client.close().await;
    };
    Runtime::new().unwrap().block_on(joined);
}

#[test]
fn programs_that_are_run_join_as_flags_and_environment_say() {
    let scene = Scene::start();
    let (cert, key) = (scene.file("client.pem"), scene.file("client.key"));
    let certificate = ["--cert", &cert, "--key", &key];
    assert_eq!(joined_under_run(&scene, &certificate, &[]), "guarded as certificate in msgpack");
    let in_environment = [("WAMP_CERT", &*cert), ("WAMP_KEY", &*key), ("WAMP_TICKET", "")];
    assert_eq!(joined_under_run(&scene, &[], &in_environment), "guarded as certificate in msgpack");
    let ticket = ["--authid", "ticket", "--ticket", SECRET, "--serializer", "cbor"];
    assert_eq!(joined_under_run(&scene, &ticket, &[]), "guarded as ticket in cbor");
    // The name, the key and the binding are checked by the program itself.
    let public = start(&["auth", "pubkey"], &[("WAMP_PRIVATE_KEY", KEY)], b"").end().ok();
    let bound = ["--channel-binding", "--router-key", public.trim(), "--server-name", "127.0.0.1"];
    let environment = [("WAMP_PRIVATE_KEY", KEY), ("WAMP_SECRET", "wrong"), ("WAMP_AUTHID", "key")];
    let methods = [&bound[..], &["--authmethod", "cryptosign"]].concat();
    assert_eq!(joined_under_run(&scene, &methods, &environment), "guarded as key in msgpack");
}

#[test]
fn keys_are_new_and_their_owners_alone() {
    let directory = Directory::new();
    let path = directory.file("tls");
    let made = wamp(&["keygen", "tls", path.to_str().unwrap(), "--name", "router.example.com"]);
    assert!(made.code == 0 && made.stdout.is_empty() && made.stderr.contains("server.key"), "{made:?}");
    for key in ["server.key", "client.key"] {
        let mode = std::fs::metadata(path.join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    let before = std::fs::read(path.join("ca.pem")).unwrap();
    assert!(wamp(&["keygen", "tls", path.to_str().unwrap()]).failed(2).contains("ca.pem is there"));
    assert_eq!(std::fs::read(path.join("ca.pem")).unwrap(), before);
}
