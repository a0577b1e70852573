//! What a call costs a client, for each adapter, at one router: `cargo bench -p wamp-test --bench clients`.
//!
//! Four processes: the router (wamp-tokio), a callee (wamp-tokio), the caller that is measured, and instead of them a relay
//! of plain bytes with an echo behind it, on threads and on tokio, which shows what the machine itself needs for two hops
//! there and two back. The
//! processor time is the caller's process alone. `--url URL` measures at another router, which needs a callee of `bench.echo`.
#![allow(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use wamp_blocking::Wait as _;
use wamp_driver::{
    Client,
    net::{Connect, Network},
};

const MEASURE: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_millis(300);
const IN_FLIGHT: usize = 64;
const PROCEDURE: &str = "bench.echo";

/// A caller that puts what is queued into one WebSocket message.
const BATCHED: &str = "tokio, batched";

fn main() {
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench").collect::<Vec<_>>();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(None),
        ["--url", url] => compare(Some(url)),
        ["router", listen] => router(listen),
        ["callee", url] => callee(url),
        ["relay", "tokio"] => relay_on_tokio(),
        ["relay", _] => relay(),
        ["caller", adapter, url] => caller(adapter, url),
        ["ping", kind, port] => ping(kind, port),
        _ => eprintln!("usage: clients [--url URL]"),
    }
}

/// A process of this program, and the first line that it prints.
struct Part(Child, String);

impl Part {
    fn start(arguments: &[&str]) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(child, line.trim().to_owned())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn compare(url: Option<&str>) {
    println!("                        sequential                        {IN_FLIGHT} in flight");
    println!("                        calls/s   p50 us  p99 us  CPU us   calls/s   CPU us");
    for kind in ["threads", "tokio"] {
        let relay = Part::start(&["relay", kind]);
        println!("{}", Part::start(&["ping", kind, &relay.1]).1);
    }
    for listen in ["tcp://127.0.0.1:0", "ws://127.0.0.1:0"] {
        let router = url.is_none().then(|| Part::start(&["router", listen]));
        let url = url.or(router.as_ref().map(|router| router.1.as_str())).unwrap();
        let _callee = router.as_ref().map(|router| Part::start(&["callee", &router.1]));
        println!("{}", url.split("127.").next().unwrap());
        for adapter in ["tokio", "smol", "async-std", "blocking"] {
            println!("{}", Part::start(&["caller", adapter, url]).1);
        }
        if url.starts_with("ws") {
            println!("{}", Part::start(&["caller", BATCHED, url]).1);
        }
        if router.is_none() {
            break;
        }
    }
}

/// Stays until the one who started it is gone.
fn stay(line: &str) {
    println!("{line}");
    let _ = std::io::stdin().read(&mut [0]);
}

fn router(listen: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let router = runtime.block_on(wamp_tokio::Router::builder().listen(listen).into_future()).unwrap();
    stay(&router.url().unwrap());
}

fn callee(url: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _client = runtime.block_on(async {
        let client = wamp_tokio::connect(url).await.unwrap();
        client.register(PROCEDURE, |text: String| async move { Ok(text) }).await.unwrap();
        client
    });
    stay("ready");
}

/// Two connections, whatever comes from one goes to the other; behind it, an echo.
fn relay() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut echo = TcpStream::connect(address).unwrap();
    let behind = listener.accept().unwrap().0;
    thread::spawn(move || carry(echo.try_clone().unwrap(), &mut echo));
    thread::spawn(move || {
        let front = listener.accept().unwrap().0;
        let (mut to_behind, mut to_front) = (behind.try_clone().unwrap(), front.try_clone().unwrap());
        thread::spawn(move || carry(behind, &mut to_front));
        carry(front, &mut to_behind);
    });
    stay(&address.port().to_string());
}

fn carry(mut from: TcpStream, to: &mut TcpStream) {
    to.set_nodelay(true).unwrap();
    let mut bytes = [0; 64 << 10];
    while let Ok(1..) = from.read(&mut bytes).map(|read| to.write_all(&bytes[..read]).map_or(0, |()| read)) {}
}

/// The processor time of this process so far.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>();
    let ticks = |field: usize| fields.get(field).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// What the table shows of calls that were made one after the other.
fn row(name: &str, mut times: Vec<Duration>, elapsed: Duration, processor: Duration) -> String {
    times.sort();
    format!(
        "  {name:<20} {:>8.0} {:>8.1} {:>7.1} {:>7.2}",
        times.len() as f64 / elapsed.as_secs_f64(),
        times[times.len() / 2].as_secs_f64() * 1e6,
        times[times.len() * 99 / 100].as_secs_f64() * 1e6,
        processor.as_secs_f64() * 1e6 / times.len() as f64,
    )
}

/// Calls one after the other, without a runtime.
fn sequential(name: &str, mut call: impl FnMut()) -> String {
    let warm = Instant::now();
    while warm.elapsed() < WARM_UP {
        call();
    }
    let (start, processor) = (Instant::now(), processor_time());
    let mut times = Vec::new();
    while start.elapsed() < MEASURE {
        let begun = Instant::now();
        call();
        times.push(begun.elapsed());
    }
    row(name, times, start.elapsed(), processor_time() - processor)
}

/// The same on tokio, as the router is.
fn relay_on_tokio() {
    use tokio::{
        io::copy,
        net::{TcpListener, TcpStream},
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let port = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = TcpStream::connect(address).await.unwrap();
        let behind = listener.accept().await.unwrap().0;
        echo.set_nodelay(true).unwrap();
        behind.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            let (mut from, mut to) = echo.into_split();
            copy(&mut from, &mut to).await
        });
        tokio::spawn(async move {
            let front = listener.accept().await.unwrap().0;
            front.set_nodelay(true).unwrap();
            let ((mut up_from, mut down_to), (mut down_from, mut up_to)) =
                (front.into_split(), behind.into_split());
            tokio::spawn(async move { copy(&mut up_from, &mut up_to).await });
            copy(&mut down_from, &mut down_to).await
        });
        address.port()
    });
    stay(&port.to_string());
}

fn ping(kind: &str, port: &str) {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut bytes = [1; 120];
    println!(
        "{}",
        sequential(&format!("bytes, {kind}"), || {
            stream.write_all(&bytes).unwrap();
            stream.read_exact(&mut bytes).unwrap();
        })
    );
}

fn caller(adapter: &str, url: &str) {
    let text = "x".repeat(64);
    let line = match adapter {
        "tokio" | BATCHED => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            measure::<wamp_tokio::Tokio>(adapter, url, &text, |future| runtime.block_on(future))
        }
        "smol" => measure::<wamp_async_std::AsyncIo<wamp_async_std::Smol>>(adapter, url, &text, |future| {
            smol::block_on(future);
        }),
        "async-std" => {
            measure::<wamp_async_std::AsyncIo<wamp_async_std::AsyncStd>>(adapter, url, &text, |future| {
                async_std::task::block_on(future);
            })
        }
        _ => blocking(url, &text),
    };
    println!("{line}");
}

type BoxFuture<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

async fn call(client: &Client, text: &str) {
    let echo: String = client.call(PROCEDURE).args((text,)).value().await.unwrap();
    assert_eq!(echo.len(), text.len());
}

fn measure<N>(name: &str, url: &str, text: &str, block_on: impl Fn(BoxFuture<'_>)) -> String
where
    N: Network<Client = Client>,
{
    let mut client = None;
    block_on(Box::pin(async {
        client = Some(Connect::<N>::url(url).batched(name == BATCHED).await.unwrap());
    }));
    let client = client.unwrap();
    // The future of a whole run: entering a runtime for each call would be a cost of its own.
    let mut line = String::new();
    block_on(Box::pin(async {
        let (start, mut times, mut processor) = (Instant::now(), Vec::new(), Duration::ZERO);
        while start.elapsed() < WARM_UP + MEASURE {
            if times.is_empty() && start.elapsed() >= WARM_UP {
                processor = processor_time();
            }
            let begun = Instant::now();
            call(&client, text).await;
            if start.elapsed() >= WARM_UP {
                times.push(begun.elapsed());
            }
        }
        line = row(name, times, MEASURE, processor_time() - processor);
    }));
    let (start, processor) = (Instant::now(), processor_time());
    let mut calls = 0;
    block_on(Box::pin(async {
        let count = &std::cell::Cell::new(0);
        let client = &client;
        futures_util::future::join_all((0..IN_FLIGHT).map(|_| async move {
            while start.elapsed() < MEASURE {
                call(client, text).await;
                count.set(count.get() + 1);
            }
        }))
        .await;
        calls = count.get();
    }));
    line + &pipelined(calls, start.elapsed(), processor_time() - processor)
}

fn blocking(url: &str, text: &str) -> String {
    let client = wamp_blocking::connect(url).wait().unwrap();
    let line = sequential("blocking", || {
        let echo: String = client.call(PROCEDURE).args((text,)).value().wait().unwrap();
        assert_eq!(echo.len(), text.len());
    });
    // As many calls at once as there are threads.
    let stop = Arc::new(AtomicBool::new(false));
    let (start, processor) = (Instant::now(), processor_time());
    let threads = (0..IN_FLIGHT).map(|_| {
        let (client, stop, text) = (client.clone(), stop.clone(), text.to_owned());
        thread::spawn(move || {
            let mut calls = 0;
            while !stop.load(Ordering::Relaxed) {
                client.call(PROCEDURE).args((&text,)).value::<String>().wait().unwrap();
                calls += 1;
            }
            calls
        })
    });
    let threads = threads.collect::<Vec<_>>();
    thread::sleep(MEASURE);
    stop.store(true, Ordering::Relaxed);
    let calls = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    line + &pipelined(calls, start.elapsed(), processor_time() - processor)
}

fn pipelined(calls: usize, elapsed: Duration, processor: Duration) -> String {
    let each = processor.as_secs_f64() * 1e6 / calls as f64;
    format!("  {:>8.0} {each:>8.2}", calls as f64 / elapsed.as_secs_f64())
}
