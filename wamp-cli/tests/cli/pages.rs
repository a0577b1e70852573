//! `wamp completion`, `wamp man`, `wamp version`: what the command line says of itself.

use crate::harness::{Directory, wamp};

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = wamp(&["completion", shell]).ok();
        for word in ["subscribe", "--serializer", "conform"] {
            assert!(script.contains(word.trim_start_matches('-')), "{shell} {word}");
        }
    }
    assert_eq!(wamp(&["completion", "tcsh"]).code, 2);
}

#[test]
fn pages_of_the_manual() {
    let page = wamp(&["man"]).ok();
    assert!(page.contains(".TH wamp 1") && page.contains("Exit codes"), "{page}");
    assert!(wamp(&["man", "router", "run"]).ok().contains("shutdown\\-after"));
    assert!(wamp(&["man", "router", "rn"]).failed(2).contains("no command `rn`"));
    let directory = Directory::new();
    wamp(&["man", "--dir", directory.file("man").to_str().unwrap()]).ok();
    assert!(directory.file("man").join("wamp-call.1").exists());
}

#[test]
fn versions_and_codes() {
    assert!(wamp(&["version"]).ok().starts_with("wamp 0."));
    assert!(wamp(&["version", "-o", "json"]).ok().contains("\"package\":\"wamp-cli\""));
    assert!(wamp(&["exit-codes"]).ok().contains("130  interrupted"));
    assert!(wamp(&["help", "exit-codes"]).ok().contains("130  interrupted"));
}
