//! What a call allocates in the client's process, in every adapter: `cargo test -p wamp-test --test client_allocations --
//! --nocapture` prints it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use wamp_blocking::Wait as _;
use wamp_driver::{
    Client,
    net::{Connect, Network},
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Set in the child process that is the router and the callee.
const CHILD: &str = "WAMP_TEST_ALLOCATIONS";

const CALLS: u64 = 1_000;

/// More than this, and something has gone wrong: it is what the slowest adapter needs, and some.
const MOST: f64 = 24.0;

/// The router and a callee in a process of their own, whose allocations are not counted.
struct Peer(Child, String);

impl Peer {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_call_allocates_little", "--nocapture"])
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("tcp://").map(|(_, at)| at.to_owned()));
        Self(child, format!("tcp://{}", url.expect("the router says where it is")))
    }

    fn run() {
        let router = wamp_blocking::Router::builder().listen("tcp://127.0.0.1:0").wait().unwrap();
        let callee = router.connect().wait().unwrap();
        callee.register("t.echo", |text: String| Ok(text)).wait().unwrap();
        println!("\n{}", router.url().unwrap());
        let _ = std::io::stdin().read(&mut [0]);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Allocations of each call, once all is warm.
fn count(mut call: impl FnMut()) -> f64 {
    (0..100).for_each(|_| call());
    let before = dhat::HeapStats::get().total_blocks;
    (0..CALLS).for_each(|_| call());
    (dhat::HeapStats::get().total_blocks - before) as f64 / CALLS as f64
}

fn count_async<N: Network<Client = Client>>(
    url: &str,
    block_on: impl Fn(std::pin::Pin<Box<dyn Future<Output = ()> + '_>>),
) -> f64 {
    let text = "x".repeat(64);
    let mut client = None;
    block_on(Box::pin(async { client = Some(Connect::<N>::url(url).await.unwrap()) }));
    let client = client.unwrap();
    let mut allocations = 0.0;
    block_on(Box::pin(async {
        let call = || async {
            let echo: String = client.call("t.echo").args((&text,)).value().await.unwrap();
            assert_eq!(echo.len(), text.len());
        };
        for _ in 0..100 {
            call().await;
        }
        let before = dhat::HeapStats::get().total_blocks;
        for _ in 0..CALLS {
            call().await;
        }
        allocations = (dhat::HeapStats::get().total_blocks - before) as f64 / CALLS as f64;
    }));
    allocations
}

#[test]
fn a_call_allocates_little() {
    if std::env::var_os(CHILD).is_some() {
        return Peer::run();
    }
    let _profiler = dhat::Profiler::builder().testing().build();
    let peer = Peer::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = wamp_blocking::connect(&peer.1).wait().unwrap();
    let text = "x".repeat(64);
    let counts = [
        ("tokio", count_async::<wamp_tokio::Tokio>(&peer.1, |future| runtime.block_on(future))),
        (
            "smol",
            count_async::<wamp_async_std::AsyncIo<wamp_async_std::Smol>>(&peer.1, |future| {
                smol::block_on(future);
            }),
        ),
        (
            "async-std",
            count_async::<wamp_async_std::AsyncIo<wamp_async_std::AsyncStd>>(&peer.1, |future| {
                async_std::task::block_on(future);
            }),
        ),
        (
            "blocking",
            count(|| {
                let echo: String = client.call("t.echo").args((&text,)).value().wait().unwrap();
                assert_eq!(echo.len(), text.len());
            }),
        ),
    ];
    for (adapter, allocations) in counts {
        println!("{adapter:<10} {allocations:.1} allocations a call");
        assert!(allocations <= MOST, "{adapter}: {allocations}");
    }
}
