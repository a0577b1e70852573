//! `wamp auth`: known answers of the specification, and its own answers back.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Directory, Ended, start, wamp};

fn with(variable: &str, secret: &str, arguments: &[&str]) -> Ended {
    start(arguments, &[(variable, secret)], b"").end()
}

/// A-77: the test vectors of cryptosign.
#[test]
fn cryptosign() {
    let private = "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510";
    let public = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d";
    let channel = "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff";
    let challenge = "ff".repeat(32);
    let unbound = "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0cae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    let bound = "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00";
    let key = |arguments: &[&str]| with("WAMP_PRIVATE_KEY", private, arguments);
    assert_eq!(key(&["auth", "pubkey"]).ok().trim(), public);
    assert_eq!(key(&["auth", "sign", &challenge]).ok().trim(), unbound);
    assert_eq!(key(&["auth", "sign", &challenge, "--channel", channel]).ok().trim(), bound);
    wamp(&["auth", "verify", &challenge, unbound, "--public-key", public]).ok();
    key(&["auth", "verify", &challenge, bound, "--channel", channel]).ok();
    let wrong = wamp(&["auth", "verify", &challenge, bound, "--public-key", public]).failed(12);
    assert_eq!(wrong, "error: the signature is wrong\n");
    assert!(key(&["auth", "sign", "ff"]).failed(2).contains("64 hex digits"));
}

/// A-36: the test vectors of WAMP-CRA.
#[test]
fn wampcra() {
    let challenge = r#"{"authid":"peter","authrole":"user","authmethod":"wampcra","authprovider":"userdb","nonce":"LHRTC9zeOIrt_9U3","timestamp":"2014-06-22T16:36:25.448Z","session":3251278072152162}"#;
    let salted = ["--salt", "salt123", "--iterations", "1000", "--keylen", "32"];
    let secret = |arguments: &[&str]| with("WAMP_SECRET", "secret2", arguments);
    let plain = secret(&["auth", "sign", challenge]).ok();
    assert_eq!(plain.trim(), "LQzJtCJ9YyiABg8R8kXZayLFOGWSkgHTq3sDdveQPbc=");
    let signature = secret(&[&["auth", "sign", challenge][..], &salted].concat()).ok();
    assert_eq!(signature.trim(), "IGltHlrWwLthd8FSINTknlwucV059v3lRrpEds2/aZU=");
    let derived = secret(&[&["auth", "derive"][..], &salted].concat()).ok();
    let key = "nythvFZ7EuM5sPCQrrgnz1oJiZXUNcZZFlDIdGSiNUs=";
    let printed = format!(r#"{{"secret":"{key}","salt":"salt123","iterations":1000,"keylen":32}}"#);
    assert_eq!(derived.trim(), printed);
    // What was derived takes the place of the secret.
    with("WAMP_SECRET", key, &["auth", "verify", challenge, signature.trim()]).ok();
    secret(&["auth", "verify", challenge, signature.trim()]).failed(12);
    // A salt of its own each time.
    let derive = || secret(&["auth", "derive", "--iterations", "1000"]).ok();
    assert_ne!(derive(), derive());
    assert!(wamp(&["auth", "derive"]).failed(2).contains("WAMPYSECRET"));
}

/// The keys of RFC 7677's example.
#[test]
fn scram() {
    let pbkdf2 =
        ["auth", "scram", "--kdf", "pbkdf2", "--salt", "W22ZaJ0SNY7soEsUEjb6gQ==", "--iterations", "4096"];
    let printed = with("WAMP_PASSWORD", "pencil", &pbkdf2).ok();
    assert_eq!(
        printed.trim(),
        r#"{"kdf":"pbkdf2","iterations":4096,"salt":"W22ZaJ0SNY7soEsUEjb6gQ==","stored_key":"586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6","server_key":"c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5"}"#
    );
    let argon2 =
        with("WAMP_PASSWORD", "pencil", &["auth", "scram", "--memory", "4096", "--iterations", "1"]).ok();
    assert!(argon2.contains(r#""kdf":"argon2id13""#) && argon2.contains(r#""memory":4096"#), "{argon2}");
    let weak = with("WAMP_PASSWORD", "pencil", &["auth", "scram", "--kdf", "pbkdf2", "--iterations", "1000"]);
    assert!(weak.failed(2).contains("4096"));
    assert!(with("WAMP_PASSWORD", "a\u{7}b", &pbkdf2).failed(2).contains("password"));
}

#[test]
fn a_key_file_is_new_and_its_owners_alone() {
    let directory = Directory::new();
    let file = directory.file("key");
    let path = file.to_str().unwrap();
    let public = wamp(&["auth", "keygen", path]).ok();
    assert_eq!(wamp(&["auth", "pubkey", "--private-key-file", path]).ok(), public);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(wamp(&["auth", "keygen", path]).failed(2).contains(path));
    assert_eq!(wamp(&["auth", "pubkey", "--private-key-file", path]).ok(), public);
    let pair = wamp(&["auth", "keygen"]).ok();
    assert!(pair.contains("private_key") && pair.contains("public_key") && pair.len() > 150, "{pair}");
}
