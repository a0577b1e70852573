//! What the strict reader of configuration files says.

use crate::Authentication;

use super::{ConfigFile, Method, SecretText};

const GOOD: &str = r#"
[[listeners]]
url = "ws://127.0.0.1:8080"
name = "local"
realms = ["realm1"]
serializers = ["json", "cbor"]
handshake_timeout = "2s"

[realms.realm1]
anonymous = "guest"
authenticator = { procedure = "com.example.authenticate", timeout = 1.5 }
history = [{ topic = "com.example.", match = "prefix", max_events = 10, max_bytes = "64 KiB" }]

[roles.guest]
rules = [
    { uri = "com.example.", match = "prefix", allow = ["call", "subscribe"] },
    { uri = "com.example.secret", deny = ["call"] },
]

[roles.staff]
allow_all = true

[users.joe]
role = "staff"
wampcra = { secret = "${CARGO_PKG_NAME}" }
public_keys = ["00"]

[limits]
message_size = "2 MiB"
message_rate = 1000

"#;

#[test]
fn a_good_file_is_read() {
    let file = ConfigFile::parse_toml(GOOD).unwrap();
    let joe = &file.users["joe"];
    assert_eq!(joe.methods(), [Method::Cra, Method::Cryptosign]);
    let Some(cra) = &joe.wampcra else { panic!("no secret") };
    assert_eq!(cra.secret.read(".".as_ref()).unwrap(), env!("CARGO_PKG_NAME"));
    assert_eq!(file.limits.message_size.unwrap().0, 2 << 20);
}

#[test]
fn json_is_the_same() {
    let value = toml::from_str::<serde_json::Value>(GOOD).unwrap();
    let file = ConfigFile::parse_json(&value.to_string()).unwrap();
    assert_eq!(format!("{file:?}"), format!("{:?}", ConfigFile::parse_toml(GOOD).unwrap()));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, position, what) in [
        ("[realms.realm1]\nanonymus = 'x'", "2:1", "unknown key `anonymus`"),
        ("[realms.realm1]\nanonymus = 'x'", "2:1", "did you mean `anonymous`?"),
        ("[realm.realm1]\n", "1:2", "did you mean `realms`?"),
        ("[realms.realm1\n", "1:15", "unclosed table"),
        ("[realms.realm1]\nanonymous = 'gest'\n[roles.guest]", "2:1", "did you mean `guest`?"),
        ("[realms.realm1]\nanonymous = 'guest'", "2:1", "add [roles.guest]"),
        ("[limits]\nmessage_rate = 1", "", "there is no realm"),
        ("[realms.r]\n[users.joe]\nrole = 'x'", "3:1", "there is no role `x`"),
        ("[realms.r]\n[roles.x]\n[users.joe]\nrole = 'x'", "3:8", "nothing to prove"),
        ("[realms.r]\n[roles.x]\nrules = [{ uri = 'a..b' }]", "3:12", "component is empty"),
        ("[realms.r]\n[roles.x]\nrules = [{ uri = 'a.b', allow = ['cal'] }]", "3:34", "did you mean `call`?"),
        ("[realms.r]\n[roles.x]\nrules = [{ uri = 'a', allow = ['call'], deny = ['call'] }]", "3:41", "both"),
        ("[realms.r]\n[roles.x]\nallow_all = true\ndynamic = true", "3:1", "needs no rules"),
        ("[realms.r]\n[roles.x]\ndynamic = true", "3:1", "no realm has an authorizer"),
        ("[realms.r]\n[[listeners]]\nurl = 'localhost:1'", "3:1", "scheme"),
        ("[realms.r]\n[[listeners]]\nurl = 'tcp://h:1'\nrealms = ['s']", "4:1", "there is no realm `s`"),
        ("[realms.r]\n[limits]\nmessage_size = '17 MiB'", "3:1", "16 MiB"),
        ("[realms.r]\n[limits]\nhello_timeout = '5 years'", "3:17", "not a duration"),
        ("[realms.r]\n[limits]\nqueue_bytes = true", "3:15", "a number of bytes"),
        ("[realms.r]\n[[listeners]]\nurl = '${SURELY_NOT_SET}'", "3:7", "`SURELY_NOT_SET` is not set"),
        ("[realms.r]\n", "1:9", "nobody can join"),
        ("[realms.r]\npattern = 'a-'", "2:1", "one `*` at the end"),
        ("[realms.r]\npattern = '*'", "2:1", "one `*` at the end"),
        ("[realms.r]\npattern = 'a*b*'", "2:1", "one `*` at the end"),
        ("[realms.r]\npattern = 'a b*'", "2:1", "whitespace"),
        ("[realms.r]\nmax_realms = 2", "2:1", "belongs to a `pattern`"),
        (
            "[realms.r]\npattern = 'a-*'\n[realms.s]\npattern = 'a-b*'",
            "2:1",
            "[realms.s] has names in common",
        ),
        ("[realms.r]\npattern = 'a-*'\nauthorizer = { procedure = 'x' }", "3:1", "use rules"),
        ("[realms.r]\npattern = 'a-*'\nauthenticator = { procedure = 'x' }", "3:1", "say the `realm`"),
        (
            "[realms.r]\npattern = 'a-*'\nauthenticator = { procedure = 'x', realm = 'r' }",
            "3:36",
            "stands for many realms",
        ),
        ("[realms.r]\n[[listeners]]\nurl = 'ws://h:1'\ntransports = []", "4:1", "needs a transport"),
        ("[realms.r]\n[users.joe]\nrole = 'x'\nticket = { fil = 'x' }", "4:12", "did you mean `file`?"),
    ] {
        let error = ConfigFile::parse_toml(text).unwrap_err();
        let shown = error.position.map(|(line, column)| format!("{line}:{column}")).unwrap_or_default();
        assert!(error.what.contains(what), "{text}\n{error}");
        assert_eq!(shown, position, "{text}\n{error}");
    }
}

#[test]
fn errors_of_json_have_a_place_too() {
    let error = ConfigFile::parse_json("{\n  \"relms\": {}\n}").unwrap_err();
    assert_eq!(error.position.unwrap().0, 2);
    assert!(error.what.ends_with("did you mean `realms`?"), "{error}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let folder = std::env::temp_dir().join(format!("wamp-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ticket"), "hunter2\n").unwrap();
    let text = "[realms.r]\n[roles.x]\n[users.joe]\nrole = 'x'\nticket = { file = 'ticket' }\ncookies = ['a=hunter2']";
    let file = ConfigFile::parse_toml(text).unwrap();
    let ticket = file.users["joe"].ticket.clone().unwrap();
    assert_eq!(ticket.read(&folder).unwrap(), "hunter2");
    assert!(!format!("{file:?}").contains("hunter2"));
    std::fs::remove_dir_all(&folder).unwrap();
    let error = ticket.read(&folder).unwrap_err();
    assert!(error.contains("cannot read the secret"), "{error}");
    assert!(SecretText::Environment("SURELY_NOT_SET".into()).read(&folder).is_err());
}

#[test]
fn the_schema_names_every_key_and_forbids_others() {
    let schema: serde_json::Value = serde_json::from_str(&ConfigFile::json_schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    for key in ["listeners", "realms", "roles", "users", "limits", "disclosure"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}

#[test]
fn rules_are_those_of_each_listener_and_realm() {
    let text = "[realms.one]\nanonymous = 'guest'\n[realms.two]\n[roles.guest]\n[users.joe]\nrole = 'guest'\n\
        ticket = 'x'\nrealms = ['two']\n[[listeners]]\nurl = 'ws://h:1'\nname = 'a'\nrealms = ['one']";
    let rules = ConfigFile::parse_toml(text).unwrap().authentication().unwrap();
    let methods = |realm: &str, listener: Option<&str>| {
        let fits = |rule: &&Authentication| {
            rule.realm.as_ref().is_some_and(|uri| uri == realm) && rule.listener.as_deref() == listener
        };
        let rule = rules.iter().find(fits).unwrap();
        rule.methods.iter().map(|method| method.name()).collect::<Vec<_>>()
    };
    assert_eq!(methods("one", Some("a")), ["anonymous"]);
    assert_eq!(methods("two", Some("a")), [""; 0], "it cannot be joined there, whoever comes");
    assert_eq!(methods("two", None), ["ticket"]);
}

#[test]
fn bad_credentials_are_named_with_their_place() {
    for (line, position, what) in [
        ("public_keys = ['00']", "4:16", "64 hex digits"),
        ("certificates = ['xyz']", "4:17", "fingerprint"),
        ("cookies = ['hunter2']", "4:12", "not `name=value`"),
        ("ticket = { file = 'none' }", "4:1", "cannot read the secret"),
        (
            "scram = { kdf = 'pbkdf2', salt = '!', iterations = 4096, stored_key = 'hunter2', server_key = '' }",
            "4:1",
            "Base64",
        ),
    ] {
        let text = format!("[realms.r]\n[roles.x]\n[users.joe]\n{line}\nrole = 'x'");
        let error = ConfigFile::parse_toml(&text).unwrap().authentication().unwrap_err();
        let (at, column) = error.position.unwrap();
        assert_eq!(format!("{at}:{column}"), position, "{error}");
        assert!(error.what.contains(what) && !error.what.contains("hunter2"), "{error}");
    }
}
