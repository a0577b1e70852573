//! No async runtime, not even below.

use std::process::Command;

/// What must not be there.
const RUNTIMES: [&str; 6] =
    ["tokio", "async-std", "smol", "async-io", "async-executor", "async-global-executor"];

#[test]
fn there_is_no_async_runtime_below() {
    for package in ["wamp-blocking", "wamp-driver"] {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "-p", package, "-e", "normal", "--offline", "--prefix", "none"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        let tree = String::from_utf8(tree.stdout).unwrap();
        let names = tree.lines().filter_map(|line| line.split_whitespace().next()).collect::<Vec<_>>();
        assert!(names.contains(&"wamp-proto"), "{tree}");
        for runtime in RUNTIMES {
            assert!(!names.contains(&runtime), "{package} depends on {runtime}:\n{tree}");
        }
    }
}
