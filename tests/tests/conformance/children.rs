//! What needs a process of its own: a router that is killed, and the processor time of silence.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
};

use wamp_driver::{ReconnectPolicy, Routes};
use wamp_test::conformance::{Adapter, Encoding, Kit, RouterSettings, Transport, closing};

/// Says what a child process is to be.
const CHILD: &str = "WAMP_TEST_CHILD";

/// Starts this very program again, to run one test only.
fn child(test: &str, role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Whether this process is such a child.
fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// What the child says first.
const LISTENING: &str = "listening on ";

/// A router in a process that is killed: its clients notice.
pub(crate) fn a_router_that_is_killed_is_noticed<A: Adapter>(test: &str) {
    if is_child() {
        return A::run(async {
            let kit = Kit::of::<A>();
            let transport =
                if std::env::var(CHILD).as_deref() == Ok("ws") { Transport::Ws } else { Transport::Tcp };
            let router = kit.start(RouterSettings::on(transport)).await;
            println!("\n{LISTENING}{}", router.endpoints()[0]);
            // Should nobody kill it, it ends when its parent does.
            let _ = kit.blocking(|| std::io::stdin().read(&mut [0])).await;
        });
    }
    for transport in ["ws", "tcp"] {
        let mut router = child(test, transport);
        let output = BufReader::new(router.stdout.take().unwrap());
        let url = output.lines().find_map(|line| Some(line.unwrap().strip_prefix(LISTENING)?.to_owned()));
        let url = url.expect("the child says where it listens");
        A::run(async {
            let kill = || router.kill().unwrap();
            closing::a_router_that_is_killed_is_noticed(&Kit::of::<A>(), &url, kill).await;
        });
        router.wait().unwrap();
    }
}

/// A program that serves, and is told to end while it handles a call.
#[cfg(unix)]
pub(crate) fn a_signal_drains<A: Adapter>(test: &str) {
    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
    if is_child() {
        return A::run(async {
            let kit = Kit::of::<A>();
            let reads = kit.clone();
            let handler = move || {
                println!("\nstarted");
                let read = reads.blocking(|| std::io::stdin().read(&mut [0]).is_ok());
                async move { Ok(read.await) }
            };
            let routes = Routes::new().procedure("t.slow", handler);
            let url = std::env::var(CHILD).unwrap();
            let (_handle, run) = kit.run_services(url, ReconnectPolicy::never(), routes, HOUR);
            let finished = run.await.unwrap();
            println!("{} {}", finished.cause, finished.abandoned);
        });
    }
    A::run(async {
        let kit = Kit::of::<A>();
        let stage = kit.stage(Transport::Ws, Encoding::MessagePack).await;
        let caller = stage.client().await;
        let mut program = child(test, stage.url().unwrap());
        stage.settle(|counts| counts.registrations == 1).await;
        let answer = kit.spawn(async move { caller.call("t.slow").value::<bool>().await });
        let mut output = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(output.any(|line| line == "started"));
        assert!(Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap().success());
        stage.settle(|counts| counts.registrations == 0).await;
        program.stdin.take().unwrap().write_all(b"x").unwrap();
        assert!(kit.within(answer).await.unwrap());
        assert!(output.any(|line| line == "SIGTERM 0"));
        assert!(program.wait().unwrap().success());
    });
}

/// The processor time that this process has used, in clock ticks of 10 ms.
#[cfg(target_os = "linux")]
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace().collect::<Vec<_>>();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Joined clients over every transport, a subscription and a procedure; then two seconds of silence.
#[cfg(target_os = "linux")]
pub(crate) fn idle_sessions_use_no_processor_time<A: Adapter>(test: &str) {
    if !is_child() {
        let ended = child(test, "idle").wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        return;
    }
    A::run(async {
        let kit = Kit::of::<A>();
        let (mut stages, mut clients, mut streams) = (Vec::new(), Vec::new(), Vec::new());
        for transport in Transport::ALL {
            let stage = kit.stage(transport, Encoding::Json).await;
            let client = stage.client().await;
            client.register("t.double", |number: i64| async move { Ok(2 * number) }).await.unwrap();
            streams.push(client.subscribe("t.topic").await.unwrap());
            assert_eq!(client.call("t.double").args((1,)).value::<i64>().await.unwrap(), 2);
            clients.push(client);
            stages.push(stage);
        }
        let before = ticks();
        kit.sleep(std::time::Duration::from_secs(2)).await;
        let used = ticks() - before;
        // One that looks again and again uses hundreds.
        assert!(used < 5, "{used} ticks of 10 ms in two seconds of silence");
    });
}
