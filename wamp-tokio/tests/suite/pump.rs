//! What a connection costs while nothing happens, and when somebody is woken.

use std::{
    pin::Pin,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use wamp_tokio::{Client, Router};

use crate::harness::{run, within};

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
    run(async {
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

/// A waker that uses the client in the very moment in which it is woken.
struct Reentrant {
    client: Client,
    woken: AtomicUsize,
}

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::Relaxed);
        let mut publish = Box::pin(self.client.publish("t.topic").into_future());
        let _ = publish.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let _ = self.client.close_reason();
    }
}

#[test]
fn nobody_is_woken_under_the_lock() {
    run(async {
        let router = Router::builder().await.unwrap();
        let client = router.connect().await.unwrap();
        let reentrant = Arc::new(Reentrant { client: client.clone(), woken: AtomicUsize::new(0) });
        let waker = Waker::from(reentrant.clone());
        let mut context = Context::from_waker(&waker);
        let mut events = client.subscribe("t.topic").await.unwrap();
        let mut call = Box::pin(client.call("t.nobody").into_future());
        let mut closed = Box::pin(client.closed());
        assert!(call.as_mut().poll(&mut context).is_pending());
        assert!(Pin::new(&mut events.next()).poll(&mut context).is_pending());
        assert!(closed.as_mut().poll(&mut context).is_pending());
        within(async {
            client.publish("t.topic").exclude_me(false).acknowledge().await.unwrap();
            client.close().await;
        })
        .await;
        assert!(reentrant.woken.load(Ordering::Relaxed) >= 2);
        assert!(call.as_mut().poll(&mut context).is_ready() && closed.as_mut().poll(&mut context).is_ready());
    });
}
