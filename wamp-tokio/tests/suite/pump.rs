//! What a connection costs while nothing happens.

use std::{process::Command, time::Duration};

use wamp_tokio::Router;

/// Set in the child process that is measured.
const CHILD: &str = "WAMP_TEST_IDLE";

/// The processor time that this process has used, in clock ticks of 10 ms.
#[cfg(target_os = "linux")]
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace().collect::<Vec<_>>();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Joined clients over every transport, a subscription and a procedure; then two seconds of silence.
#[cfg(target_os = "linux")]
#[test]
fn idle_sessions_use_no_processor_time() {
    if std::env::var_os(CHILD).is_none() {
        let test = "pump::idle_sessions_use_no_processor_time";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    crate::harness::run(async {
        let router = Router::builder().listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0").await.unwrap();
        let mut clients = vec![router.connect().await.unwrap()];
        for endpoint in router.endpoints() {
            clients.push(wamp_tokio::connect(&endpoint.to_string()).await.unwrap());
        }
        let mut streams = Vec::new();
        for (number, client) in clients.iter().enumerate() {
            let procedure = format!("t.procedure{number}");
            client.register(&procedure, crate::harness::echo).await.unwrap();
            streams.push(client.subscribe("t.topic").await.unwrap());
            client.call(&procedure).args((1,)).await.unwrap();
        }
        let before = ticks();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let used = ticks() - before;
        assert!(used < 2, "{used} ticks of 10 ms in two seconds of silence");
    });
}
