//! Fault 88: no secret in any log, with the real router and the real client, both saying all that they can.

use wamp_tokio::auth::SecretKey;

use crate::{
    configured::Written,
    harness::{Ended, Running, start, wamp},
};

const TICKET: &str = "the ticket of somebody";
const SHARED: &str = "the shared secret";
const PASSWORD: &str = "the password";
const KEY: &str = "0202020202020202020202020202020202020202020202020202020202020202";
const COOKIE: &str = "the-cookie-of-somebody";
const WRONG: &str = "what somebody has guessed";

/// A value in what a command has printed as JSON.
fn printed<'a>(json: &'a str, key: &str) -> &'a str {
    json.split_once(&format!("\"{key}\":\"")).unwrap().1.split('"').next().unwrap()
}

/// A secret as text, as hexadecimal digits, and as a list of bytes.
fn forms(secret: &str) -> [String; 3] {
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    [secret.to_owned(), hex, format!("{:?}", secret.as_bytes())]
}

/// All that a process has said until it has ended.
fn said(process: Running) -> String {
    process.signal("TERM");
    process.end().stderr
}

#[test]
fn fault_88_neither_router_nor_client_logs_a_secret() {
    let of = |variable: &str, secret: &str, arguments: &[&str]| {
        start(arguments, &[(variable, secret)], b"").end().ok()
    };
    let derived = of("WAMP_SECRET", SHARED, &["auth", "derive", "--iterations", "1000"]);
    let scram = of("WAMP_PASSWORD", PASSWORD, &["auth", "scram", "--memory", "4096", "--iterations", "1"]);
    let cra_key = printed(&derived, "secret");
    let [stored, server] = ["stored_key", "server_key"].map(|key| printed(&scram, key));
    let public = SecretKey::from_hex(&KEY.into()).unwrap().public_key();
    let file = Written::new(&format!(
        r#"
        [[listeners]]
        url = "ws://127.0.0.1:0"
        [realms.realm1]
        [roles.user]
        allow_all = true
        [users.ticket]
        role = "user"
        ticket = "{TICKET}"
        [users.plain]
        role = "user"
        wampcra = {{ secret = "{SHARED}" }}
        [users.salted]
        role = "user"
        wampcra = {{ secret = "{cra_key}", salt = "{}", iterations = 1000 }}
        [users.scram]
        role = "user"
        scram = {{ kdf = "argon2id13", salt = "{}", iterations = 1, memory = 4096, stored_key = "{stored}", server_key = "{server}" }}
        [users.key]
        role = "user"
        public_keys = ["{public}"]
        [users.cookie]
        role = "user"
        cookies = ["session={COOKIE}"]
        "#,
        printed(&derived, "salt"),
        printed(&scram, "salt"),
    ));
    let (router, url) = file.run_with(&[("RUST_LOG", "trace")]);
    let call = |environment: &[(&str, &str)]| -> Ended {
        let environment = [&[("WAMP_URL", &*url)], environment].concat();
        start(&["-vv", "call", "wamp.session.count"], &environment, b"").end()
    };
    let mut logs = String::new();
    let wrong_key = "03".repeat(32);
    for (user, variable, right, wrong) in [
        ("ticket", "WAMP_TICKET", TICKET, WRONG),
        ("plain", "WAMP_SECRET", SHARED, WRONG),
        ("salted", "WAMP_SECRET", SHARED, WRONG),
        ("scram", "WAMP_PASSWORD", PASSWORD, WRONG),
        ("key", "WAMP_PRIVATE_KEY", KEY, &wrong_key),
    ] {
        let joined = call(&[("WAMP_AUTHID", user), (variable, right)]);
        assert_eq!((joined.code, joined.stdout.as_str()), (0, "1\n"), "{user}: {joined:?}");
        let refused = call(&[("WAMP_AUTHID", user), (variable, wrong)]);
        assert_eq!(refused.code, 5, "{user}: {refused:?}");
        logs += &(joined.stderr + &refused.stderr);
    }
    // The client of the command line has no cookies; what the router makes of them is the same over a socket.
    cookie(&url, COOKIE);
    cookie(&url, WRONG);
    let checked = wamp(&["-vv", "router", "check", file.path()]);
    logs += &(checked.stderr + &checked.stdout + &said(router));
    for expected in ["session joined", "authentication denied"] {
        assert!(logs.contains(expected), "`{expected}` was not logged: {logs}");
    }
    let signatures = signatures(&logs);
    assert!(signatures.is_empty(), "{signatures:?} in {logs}");
    for secret in [TICKET, SHARED, PASSWORD, KEY, COOKIE, WRONG, &wrong_key, cra_key, stored, server] {
        for form in forms(secret) {
            assert!(!logs.contains(&form), "{form} is in {logs}");
        }
    }
}

/// What looks like a signature: of WAMP-CRA or SCRAM 44 characters of Base64, of cryptosign 192 hexadecimal digits.
fn signatures(logs: &str) -> Vec<&str> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c));
    let signature = |word: &&str| {
        word.len() == 44 && word.ends_with('=')
            || word.len() >= 128 && word.chars().all(|c| c.is_ascii_hexdigit())
    };
    logs.split(word).filter(signature).collect()
}

/// Joins, or tries to, with a cookie.
fn cookie(url: &str, value: &str) {
    use wamp_tokio::auth::CookieHeader;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connect = wamp_tokio::connect(url).cookie(format!("session={value}")).auth(CookieHeader);
    let joined = runtime.block_on(async {
        let client = connect.await?;
        client.close().await;
        Ok::<_, wamp_tokio::ConnectError>(())
    });
    assert_eq!(joined.is_ok(), value == COOKIE, "{joined:?}");
}
