//! Clients that say who they are: by flags, files, stdin and the environment.

use crate::harness::{
    Directory, Ended,
    guarded::{Guarded, KEY, SECRET},
    start,
};

/// Asks the router who one is; the answer is one line of JSON.
const WHO: [&str; 7] = ["meta", "session", "ls", "-r", "guarded", "-o", "json"];

fn run(router: &Guarded, arguments: &[&str], environment: &[(&str, &str)], stdin: &str) -> Ended {
    let url = router.url();
    let environment = [&[("WAMP_URL", url.as_str())], environment].concat();
    start(&[&WHO[..], arguments].concat(), &environment, stdin.as_bytes()).end()
}

fn joins(router: &Guarded, arguments: &[&str], environment: &[(&str, &str)], stdin: &str) {
    let sessions = run(router, arguments, environment, stdin).ok();
    assert!(sessions.starts_with('[') && sessions.len() > 4, "{arguments:?} {sessions}");
}

#[test]
fn every_secret_from_everywhere() {
    let router = Guarded::start();
    let directory = Directory::new();
    for (user, flag, variable, secret) in [
        ("ticket", "--ticket", "WAMP_TICKET", SECRET),
        ("cra", "--secret", "WAMP_SECRET", SECRET),
        ("salted", "--secret", "WAMPYSECRET", SECRET),
        ("scram", "--password", "WAMP_PASSWORD", SECRET),
        ("key", "--private-key", "WAMP_PRIVATE_KEY", KEY),
    ] {
        let file = directory.file(user);
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        let (file, from_file) = (file.to_str().unwrap(), format!("{flag}-file"));
        joins(&router, &["--authid", user, flag, secret], &[], "");
        joins(&router, &["--authid", user, &from_file, file], &[], "");
        joins(&router, &["--authid", user, &from_file, "-"], &[], &format!("{secret}\n"));
        joins(&router, &[], &[("WAMP_AUTHID", user), (variable, secret)], "");
        // A flag beats a variable, and an empty variable is none.
        joins(&router, &["--authid", user, flag, secret], &[(variable, "wrong")], "");
        let empty = ["WAMP_TICKET", "WAMP_SERIALIZER", "WAMP_CERT"].map(|name| (name, ""));
        joins(&router, &["--authid", user, flag, secret], &empty, "");
    }
    // Cryptosign needs no name, and the router can prove its own.
    joins(&router, &[], &[("WAMP_PRIVATE_KEY", KEY)], "");
    let public = start(&["auth", "pubkey"], &[("WAMP_PRIVATE_KEY", KEY)], b"").end().ok();
    joins(&router, &["--router-key", public.trim()], &[("WAMP_PRIVATE_KEY", KEY)], "");
}

#[test]
fn methods_are_offered_as_asked_for() {
    let router = Guarded::start();
    // The router takes the first that it can: `cra` has no ticket.
    let secrets = [("WAMP_AUTHID", "cra"), ("WAMP_SECRET", SECRET), ("WAMP_TICKET", SECRET)];
    joins(&router, &[], &secrets, "");
    joins(&router, &["--authmethod", "anonymous,wampcra"], &secrets, "");
    let error = run(&router, &["--authmethod", "ticket"], &secrets, "").failed(5);
    assert!(error.contains("wamp.error.no_matching_auth_method"), "{error}");
    let error = run(&router, &["--authmethod", "anonymous"], &secrets, "").failed(5);
    assert!(error.contains("the router refused the session: wamp.error."), "{error}");
    assert!(run(&router, &[], &[], "").failed(5).contains("wamp.error.authentication_required"));
}

#[test]
fn wrong_secrets_are_5_and_are_not_shown() {
    let router = Guarded::start();
    for (user, variable, secret) in [
        ("ticket", "WAMP_TICKET", "hunter2"),
        ("cra", "WAMP_SECRET", "hunter2"),
        ("scram", "WAMP_PASSWORD", "hunter2"),
        ("key", "WAMP_PRIVATE_KEY", &"02".repeat(32)),
    ] {
        let environment = [("WAMP_AUTHID", user), (variable, secret)];
        let error = run(&router, &[], &environment, "").failed(5);
        let told = "error: the router refused the session: wamp.error.authentication_denied: the credentials are not accepted\n";
        assert_eq!(error, told);
        // Fault 88: not even where every detail is logged, and not in hexadecimal.
        let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let by_variable = [&environment[..], &[("RUST_LOG", "trace")]].concat();
        for (arguments, environment) in [(&["-vv"][..], &environment[..]), (&[], &by_variable)] {
            let logged = run(&router, arguments, environment, "").stderr;
            assert!(!logged.contains(secret) && !logged.contains(&hex), "{logged}");
        }
    }
    let right = [("WAMP_AUTHID", "ticket"), ("WAMP_TICKET", SECRET), ("RUST_LOG", "trace")];
    let logged = run(&router, &[], &right, "").stderr;
    assert!(logged.contains("joined") && !logged.contains(SECRET), "{logged}");
    run(&router, &[], &[("WAMP_AUTHID", "nobody"), ("WAMP_SECRET", "hunter2")], "").failed(5);
    let other = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";
    let error = run(&router, &["--router-key", other], &[("WAMP_PRIVATE_KEY", KEY)], "").failed(5);
    assert!(error.contains("the router has not proven who it is"), "{error}");
}

#[test]
fn bad_usage_is_2_before_anything_is_sent() {
    let router = Guarded::start();
    for (arguments, why) in [
        (&["--ticket", "x"][..], "--authid"),
        (&["--authid", "joe"], "WAMP_SECRET"),
        (&["--authid", "joe", "--authmethod", "wampcra"], "WAMPYSECRET"),
        (&["--authid", "joe", "--ticket", "x", "--ticket-file", "y"], "not both"),
        (&["--authid", "joe", "--ticket-file", "/no/such/file"], "/no/such/file"),
        (&["--authid", "joe", "--ticket-file", "-", "--secret-file", "-"], "stdin"),
        (&["--private-key", "12"], "64 hex digits"),
        (&["--authmethod", "tls"], "--cert"),
        (&["--cert", "x"], "--key, or the environment variable WAMP_KEY, is not set, but WAMP_CERT is"),
        // Only TLS has something to bind to.
        (&["--private-key", KEY, "--channel-binding"], "tls-exporter"),
        (&["--private-key", KEY, "--channel-binding=tls-unique"], "tls-unique"),
    ] {
        let error = run(&router, arguments, &[], "").failed(2);
        assert!(error.contains(why), "{arguments:?} {error}");
    }
}

#[test]
fn help_says_where_secrets_are_safe_and_shows_none() {
    let help = start(&["call", "--help"], &[("WAMP_TICKET", "hunter2")], b"").end().ok();
    assert!(help.contains("WAMP_PRIVATE_KEY") && help.contains("Anybody on this machine can read"), "{help}");
    assert!(!help.contains("hunter2"), "{help}");
}
