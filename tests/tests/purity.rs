//! The core is pure: no sockets, clocks, threads, locks or random sources, and nothing whose order is that of a hash map.
//! And the adapters know no message of the protocol.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What no line of the core may name, and why.
const FORBIDDEN: [(&str, &str); 25] = [
    ("std::net", "sockets are the adapters' business"),
    ("std::io", "so are streams"),
    ("std::fs", "and files"),
    ("std::process", "and processes"),
    ("std::thread", "the machines have no threads"),
    ("std::time::Instant", "time is an argument"),
    ("time::SystemTime", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("Mutex", "`&mut self` is all the locking there is"),
    ("RwLock", "`&mut self` is all the locking there is"),
    ("Condvar", "nobody waits here"),
    ("sync::atomic", "nothing is shared"),
    ("mpsc", "nothing is shared"),
    ("Waker", "the driver wakes"),
    ("async fn", "the machines are polled, not awaited"),
    (".await", "the machines are polled, not awaited"),
    ("tokio", "no runtime"),
    ("std::env::", "settings are arguments"),
    ("thread_rng", "seeds are arguments"),
    ("rand::rng", "seeds are arguments"),
    ("getrandom", "seeds are arguments"),
    ("OsRng", "seeds are arguments"),
    ("RandomState", "its keys are drawn at random"),
    ("HashMap::new(", "it draws its keys at random"),
    ("HashSet::new(", "it draws its keys at random"),
];

/// Where a hash map is gone through all the same: the file, a piece of the line, and why its order reaches no output.
const UNORDERED: [(&str, &str, &str); 11] = [
    ("router/broker/mod.rs", "take(&mut link.subscriptions)", "sorted before anything is sent"),
    ("router/broker/mod.rs", "self.subscriptions.iter()", "sorted at once"),
    ("router/dealer/mod.rs", "self.registrations.iter()", "sorted at once"),
    ("router/dealer/mod.rs", "take(&mut link.registrations)", "sorted before anything is sent"),
    ("router/dealer/mod.rs", "take(&mut link.invocations)", "sorted before anything is sent"),
    ("router/dealer/ongoing.rs", "link.calls.drain()", "sorted before anything is sent"),
    ("router/index/wildcard.rs", "drain().next()", "there is one"),
    ("router/index/wildcard.rs", "drain().map(|(_, child)| child)", "only to drop them"),
    ("router/reconfigure.rs", "link.subscriptions.iter()", "sorted before anything is sent"),
    ("router/reconfigure.rs", "link.registrations.iter()", "sorted before anything is sent"),
    ("session/requests.rs", "values().any(", "whether there is one"),
];

/// What goes through a map or gives its contents away.
const WALKS: [&str; 9] = [
    ".iter()",
    ".iter_mut()",
    ".keys()",
    ".values()",
    ".values_mut()",
    ".drain()",
    ".into_iter()",
    ".into_values()",
    ".retain(",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All sources below a folder of the workspace, in order, without tests and comments.
fn sources(folder: &str) -> Vec<(String, String)> {
    let start = root().join(folder);
    let mut pending = vec![start.clone()];
    let mut found = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let name = path.strip_prefix(&start).unwrap().to_string_lossy().into_owned();
            found.push((name, code(&fs::read_to_string(&path).unwrap())));
        }
    }
    found.sort();
    found
}

/// The text without its inline tests, which come last, and without comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_core_names_no_world_outside() {
    let sources = sources("wamp-proto/src");
    assert!(sources.len() > 40, "the sources are somewhere else: {}", sources.len());
    let mut found = Vec::new();
    for (file, text) in &sources {
        for (number, line) in text.lines().enumerate() {
            for (name, why) in FORBIDDEN {
                if line.contains(name) {
                    found.push(format!("{file}:{}: `{name}`: {why}", number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The names that a folder gives to hash maps and sets.
fn map_names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for kind in [": IdMap<", ": IdSet<", ": HashMap<", ": HashSet<"] {
        for (place, _) in text.match_indices(kind) {
            let name =
                text[..place].rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            names.insert(name.to_owned());
        }
    }
    names
}

/// Whether a line goes through the map of this name.
fn walks(line: &str, name: &str) -> bool {
    let word = |place: usize, length: usize| {
        let ends = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        ends(line[..place].chars().next_back()) && ends(line[place + length..].chars().next())
    };
    line.match_indices(name).filter(|(place, _)| word(*place, name.len())).any(|(place, _)| {
        let (before, after) = (&line[..place], &line[place + name.len()..]);
        let loops = before.trim_start().starts_with("for ")
            && before.contains(" in ")
            && after.trim_start().starts_with('{');
        let taken = before.contains("take(&mut ") && after.starts_with(')');
        loops || taken || WALKS.iter().any(|walk| after.starts_with(walk))
    })
}

#[test]
fn the_order_of_hash_maps_reaches_no_output() {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for folder in ["session", "router", "message", "transport", "uri"] {
        let sources = sources(&format!("wamp-proto/src/{folder}"));
        let names = sources.iter().flat_map(|(_, text)| map_names(text)).collect::<BTreeSet<_>>();
        for (file, text) in &sources {
            let file = format!("{folder}/{file}");
            for (number, line) in text.lines().enumerate() {
                if !names.iter().any(|name| walks(line, name)) || is_list(text, line) {
                    continue;
                }
                match UNORDERED.iter().find(|(known, piece, _)| *known == file && line.contains(piece)) {
                    Some((_, piece, _)) => _ = used.insert(*piece),
                    None => found.push(format!("{file}:{}: {}", number + 1, line.trim())),
                }
            }
        }
    }
    assert!(found.is_empty(), "goes through a hash map:\n{}", found.join("\n"));
    let unused = UNORDERED.iter().filter(|(_, piece, _)| !used.contains(piece)).collect::<Vec<_>>();
    assert!(unused.is_empty(), "allowed for nothing: {unused:?}");
}

/// A list that has the name of a map elsewhere in its folder: its file says so.
fn is_list(text: &str, line: &str) -> bool {
    let ordered = ["Vec<", "VecDeque<", "BTreeMap<", "BTreeSet<", "Slab<"];
    let declared = |name: &str| ordered.iter().any(|kind| text.contains(&format!("{name}: {kind}")));
    let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.any(|word| !word.is_empty() && declared(word)) && map_names(text).is_empty()
}

#[test]
fn the_search_finds_what_it_must() {
    assert!(walks("for x in &self.calls {", "calls"));
    assert!(walks("let all = link.calls.drain().collect();", "calls"));
    assert!(walks("core::mem::take(&mut link.calls)", "calls"));
    assert!(!walks("link.calls.get(&id)", "calls"));
    assert!(!walks("for x in recalls {", "calls"));
    assert_eq!(
        map_names("struct A { calls: HashMap<u8, u8>, list: Vec<u8> }"),
        BTreeSet::from(["calls".to_owned()])
    );
    assert_eq!(code("a // b\n#[cfg(test)]\nmod tests { c }"), "a ");
}

/// What may know messages outside of the core and the driver, and why.
const SHOWS_MESSAGES: [(&str, &str); 4] = [
    ("wamp-cli/src/commands/msg.rs", "the command shows any message"),
    ("wamp-cli/src/commands/run/log.rs", "names the messages that a router shows"),
    ("wamp-cli/src/commands/trace/show.rs", "shows any message, without its secrets"),
    ("wamp-cli/src/output.rs", "shows the details of an event as they stand in the message"),
];

/// The modules that a `use` of the core names.
fn names_messages(text: &str) -> bool {
    let uses = text.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
    let imports = uses.filter(|used| used.contains("wamp_proto") || used.contains("proto::"));
    let word =
        |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == "message");
    imports.into_iter().any(word) || text.contains("proto::message::")
}

#[test]
fn the_adapters_know_no_message() {
    assert!(names_messages("use wamp_proto::{\n    message::Call,\n};"));
    assert!(names_messages("let x = wamp_driver::proto::message::Call;"));
    assert!(!names_messages("use wamp_proto::{Encoding};\nlet message = 1;"));
    for folder in ["wamp-tokio/src", "wamp-async-std/src", "wamp-blocking/src", "wamp-cli/src"] {
        for (file, text) in sources(folder) {
            let path = format!("{folder}/{file}");
            let exempt = SHOWS_MESSAGES.iter().any(|(known, _)| *known == path);
            assert!(exempt || !names_messages(&text), "{path} uses message types of the core");
        }
    }
}

/// The adapters, and what they are made of: the same five files, and no more but for what a framework of that runtime needs,
/// and for the one that brings its own runtime.
const ADAPTERS: [(&str, &[&str]); 3] = [
    (
        "wamp-tokio",
        &["axum/deadline.rs", "axum/failure.rs", "axum/mod.rs", "axum/upgrade.rs", "axum/wamp.rs"],
    ),
    ("wamp-async-std", &[]),
    (
        "wamp-blocking",
        &[
            "client.rs",
            "io.rs",
            "lifecycle.rs",
            "pool.rs",
            "progressive.rs",
            "subscription.rs",
            "timers.rs",
            "wait.rs",
        ],
    ),
];

/// The files that every adapter has.
const FILES: [&str; 5] = ["lib.rs", "connect.rs", "serve.rs", "runtime.rs", "signals.rs"];

/// Most lines of what an adapter has of the network and of signals.
const MOST_LINES: usize = 650;

#[test]
fn the_adapters_are_small_and_alike() {
    for (adapter, others) in ADAPTERS {
        let source = format!("{adapter}/src");
        let found = sources(&source).into_iter().map(|(file, _)| file).collect::<BTreeSet<_>>();
        let expected = FILES.iter().chain(others).map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!(found, expected, "{adapter}");
        let lines =
            |file: &&str| fs::read_to_string(root().join(&source).join(file)).unwrap().lines().count();
        let lines = FILES.iter().skip(1).map(lines).sum::<usize>();
        assert!(lines < MOST_LINES, "{adapter} has {lines} lines");
    }
}
