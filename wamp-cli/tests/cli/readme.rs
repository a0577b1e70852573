//! The README's examples, run as they stand.

use std::{collections::VecDeque, path::Path};

use crate::harness::{Router, Running, start_program};

#[test]
fn the_examples_print_what_the_readme_says() {
    let readme = include_str!("../../README.md");
    let (_, examples) = readme.split_once("```console\n").unwrap();
    let (examples, _) = examples.split_once("```").unwrap();
    let mut lines: VecDeque<&str> = examples.lines().collect();
    let router = Router::start();
    let directory = Path::new(env!("CARGO_BIN_EXE_wamp")).parent().unwrap();
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    let environment = [("WAMP_URL", router.url()), ("PATH", &path)];
    let mut background: Vec<Running> = Vec::new();
    let mut examples = 0;
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
        let ended = start_program("sh", &["-c", command], &environment, b"").end();
        assert_eq!((ended.code, ended.stdout), (0, expected), "{command}");
    }
    assert!(examples >= 10);
    // The subscriber got its event, and ends.
    let event = background.pop().unwrap().end();
    assert!(event.stdout.contains("\"topic\":\"com.example.temp\",\"args\":[21.5]"), "{event:?}");
}
