use super::*;

/// The settings of these variables, and no others.
fn environment(set: &[(&str, &str)]) -> Result<Environment, ConnectError> {
    Environment::of(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into()))
}

fn why(set: &[(&str, &str)]) -> String {
    environment(set).and_then(|environment| environment.auth().map(drop)).unwrap_err().to_string()
}

#[test]
fn every_variable_counts_and_can_be_passed_on() {
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let set = [
        (URL, "wss://router.example.com/ws"),
        (REALM, "com.example.app"),
        (SERIALIZER, "cbor"),
        (AUTHID, "joe"),
        (AUTHMETHOD, "tls,cra,cryptosign"),
        (CHANNEL_BINDING, "tls-exporter"),
        (ROUTER_KEY, key),
        (SERVER_NAME, "router"),
        (CACERT, "/tls/ca.pem"),
        (CERT, "/tls/client.pem"),
        (KEY, "/tls/client.key"),
    ];
    let read = environment(&set).unwrap();
    assert_eq!(read.methods, [Method::Tls, Method::Cra, Method::Cryptosign]);
    let passed = read.variables().unwrap();
    let passed = passed.iter().map(|(name, value)| (*name, value.to_str().unwrap())).collect::<Vec<_>>();
    // Names in the protocol are those that everybody knows.
    let expected =
        set.map(|(name, value)| (name, if name == AUTHMETHOD { "tls,wampcra,cryptosign" } else { value }));
    let features = cfg!(feature = "cryptosign");
    assert_eq!(
        passed,
        expected.into_iter().filter(|(name, _)| features || *name != ROUTER_KEY).collect::<Vec<_>>()
    );
}

#[test]
fn files_are_found_from_anywhere_and_secrets_are_read() {
    let mut read = environment(&[(CERT, "client.pem"), (KEY, "/client.key")]).unwrap();
    read.secret = Some("open sesame".into());
    let passed = read.variables().unwrap();
    let here = std::env::current_dir().unwrap().join("client.pem");
    assert_eq!(passed, [(CERT, here.into()), (KEY, "/client.key".into()), (SECRET, "open sesame".into())]);
    read.cacert = vec!["a".into(), "b".into()];
    assert!(read.variables().unwrap_err().to_string().contains(CACERT));
}

#[test]
fn an_empty_variable_is_not_set() {
    let names =
        [URL, REALM, SERIALIZER, AUTHMETHOD, ROUTER_KEY, CACERT, CERT, SERVER_NAME, TICKET, WAMPY_SECRET];
    let read = environment(&names.map(|name| (name, ""))).unwrap();
    assert_eq!(read.variables().unwrap(), []);
    assert!(read.auth().unwrap().is_empty());
    let both = environment(&[(SECRET, ""), (WAMPY_SECRET, "s3cret")]).unwrap();
    assert_eq!(format!("{:?}", both.secret), "Some(Secret(the environment variable WAMPYSECRET))");
}

#[test]
fn what_is_wrong_is_said_with_its_name() {
    for (name, value, part) in [
        (URL, "localhost:8080", "scheme"),
        (REALM, "a b", "whitespace"),
        (SERIALIZER, "xml", "msgpack"),
        (AUTHMETHOD, "ticket,magic", "no method `magic`"),
        (AUTHMETHOD, "cookie", "no method `cookie`"),
        (AUTHMETHOD, "wampcra", "WAMPYSECRET"),
        (AUTHMETHOD, "ticket", TICKET),
        (AUTHMETHOD, "tls", CERT),
        (AUTHID, "joe", TICKET),
        (TICKET, "s3cret", AUTHID),
    ] {
        let named = [(AUTHID, "joe"), (name, value)];
        let set = if value == "s3cret" { &named[1..] } else { &named[..] };
        let why = why(set);
        assert!(why.starts_with("the environment variable WAMP") && why.contains(part), "{name}: {why}");
        assert!(!why.contains("s3cret") && (why.contains(name) || why.contains(part)), "{name}: {why}");
    }
}

#[test]
fn methods_are_the_strongest_first_or_as_asked_for() {
    let ways = |set: &[(&str, &str)]| {
        let ways = environment(&[&[(AUTHID, "joe")], set].concat()).and_then(|read| read.auth()).unwrap();
        ways.iter().map(|way| way.method().name()).collect::<Vec<_>>()
    };
    let secrets = [(TICKET, "s3cret"), (SECRET, "s3cret"), (PASSWORD, "s3cret"), (PRIVATE_KEY, "s3cret")];
    let built = [
        ("cryptosign", cfg!(feature = "cryptosign")),
        ("wamp-scram", cfg!(feature = "scram")),
        ("wampcra", cfg!(feature = "cra")),
        ("ticket", true),
    ];
    let built = built.into_iter().filter(|(_, built)| *built).map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(ways(&secrets), built);
    assert_eq!(ways(&[&secrets[..], &[(AUTHMETHOD, "anonymous,ticket")]].concat()), ["anonymous", "ticket"]);
    assert_eq!(ways(&[(CERT, "client.pem")]), ["tls", "anonymous"]);
    assert_eq!(ways(&[(CERT, "client.pem"), (TICKET, "s3cret")]), ["ticket"]);
}

#[cfg(feature = "tls")]
#[test]
fn certificate_and_key_go_together() {
    for (set, missing) in [((CERT, "client.pem"), KEY), ((KEY, "client.key"), CERT)] {
        let why = environment(&[set]).and_then(|read| read.tls()).unwrap_err().to_string();
        assert!(why.starts_with(&format!("the environment variable {missing} is not set")), "{why}");
    }
    let why = environment(&[(SERVER_NAME, "a b")]).unwrap_err().to_string();
    assert!(why.contains(SERVER_NAME) && why.contains("`a b`"), "{why}");
}

#[cfg(feature = "cryptosign")]
#[test]
fn keys_are_checked_and_not_shown() {
    assert!(why(&[(ROUTER_KEY, "12")]).contains(ROUTER_KEY));
    // PATH is set everywhere, and no key.
    let read = Environment { private_key: Some(Secret::env("PATH")), ..Environment::default() };
    let error = read.auth().unwrap().iter().find_map(|way| way.proof().err()).unwrap().to_string();
    assert_eq!(
        error,
        "there is no usable secret: the environment variable PATH: a private key is 64 hex digits"
    );
}

#[test]
fn durations() {
    for (text, millis) in [
        ("20", 20_000),
        ("20s", 20_000),
        (" 500ms ", 500),
        ("1.5", 1_500),
        ("2m", 120_000),
        ("0", 0),
        ("off", 0),
    ] {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", "s", "-1", "1d", "fast", "1e999", "NaN"] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn heartbeats() {
    let set = |name: &str| (name == HEARTBEAT).then(|| "3s".into());
    let config = heartbeat(heartbeat::Config::CLIENT, set).unwrap();
    assert_eq!((config.interval.as_secs(), config.timeout.as_secs()), (3, 10));
    let error = heartbeat(heartbeat::Config::CLIENT, |_| Some("soon".into())).unwrap_err().to_string();
    assert!(error.contains("WAMP_HEARTBEAT") && error.contains("soon"), "{error}");
}
