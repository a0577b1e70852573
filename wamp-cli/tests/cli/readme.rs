//! The examples of the documents, run as they stand.

use std::{collections::VecDeque, path::Path};

use crate::harness::{Ended, Router, Running, start_program};

#[test]
fn the_examples_print_what_the_readme_says() {
    let mut background = run(include_str!("../../README.md"), 10);
    // The subscriber got its event, and ends.
    let event = background.pop().unwrap().end();
    assert!(event.stdout.contains("\"topic\":\"com.example.temp\",\"args\":[21.5]"), "{event:?}");
}

#[test]
fn the_examples_print_what_the_reference_says() {
    run(include_str!("../../../docs/command-line.md"), 25);
}

/// Runs all commands of a document at one router; gives those in the background.
fn run(document: &str, at_least: usize) -> Vec<Running> {
    let router = Router::start();
    let home = crate::harness::Directory::new();
    let directory = Path::new(env!("CARGO_BIN_EXE_wamp")).parent().unwrap();
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    let home = home.file("config").display().to_string();
    let environment = [("WAMP_URL", router.url()), ("PATH", &path), ("XDG_CONFIG_HOME", &home)];
    let mut background: Vec<Running> = Vec::new();
    let mut examples = 0;
    for block in document.split("```console\n").skip(1) {
        let mut lines: VecDeque<&str> = block.split("```").next().unwrap().lines().collect();
        while let Some(line) = lines.pop_front() {
            let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("not a command: {line}"));
            examples += 1;
            if let Some(command) = command.strip_suffix(" &") {
                let running = start_program("sh", &["-c", &format!("exec {command}")], &environment, b"");
                running.says("ed ");
                background.push(running);
                continue;
            }
            let mut expected = String::new();
            while lines.front().is_some_and(|line| !line.starts_with("$ ")) {
                expected.extend(lines.pop_front().into_iter().chain(["\n"]));
            }
            let Ended { code, stdout, stderr, .. } =
                start_program("sh", &["-c", command], &environment, b"").end();
            assert_eq!((code, stdout), (0, expected), "{command}: {stderr}");
        }
    }
    assert!(examples >= at_least, "{examples}");
    background
}
