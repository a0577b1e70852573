//! The rules of the pump, each with a peer that would notice.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use tungstenite::protocol::Role;
use wamp_proto::{
    Encoding, Instant, Limits,
    transport::{
        heartbeat,
        rawsocket::{Config, RawSocket},
        websocket::Subprotocol,
    },
};

use crate::{
    BoxFuture, ClientOptions, Flow, Machine, Runtime,
    net::{Socket, raw::Raw, websocket::WebSocket},
};

/// The runtime of the tests.
struct Tokio(tokio::time::Instant);

impl Tokio {
    fn current() -> Arc<dyn Runtime> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

impl Runtime for Tokio {
    fn now(&self) -> Instant {
        Instant::from_origin(self.0.elapsed())
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn spawn(&self, task: BoxFuture<()>) {
        tokio::spawn(task);
    }

    fn spawn_blocking(&self, job: crate::Job) {
        tokio::task::spawn_blocking(move || job()());
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn seed(&self) -> [u8; 32] {
        [0; 32]
    }
}

/// What a mock stream saw.
#[derive(Default)]
struct Seen {
    writes: AtomicUsize,
    written: AtomicUsize,
    reads: AtomicUsize,
    /// What comes later.
    late: Mutex<Vec<u8>>,
}

/// A stream that gives what it has, then its end, and takes everything.
struct Mock {
    seen: Arc<Seen>,
    input: VecDeque<u8>,
    /// What comes again and again, once `input` is used up.
    again: Vec<u8>,
    /// What comes after the input: the end, an error, or nothing.
    end: End,
    ended: bool,
    takes: bool,
}

#[derive(Clone, Copy)]
enum End {
    Eof,
    Error,
    Silence,
}

impl Mock {
    fn new(input: &[u8], end: End) -> (Self, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        let input = input.iter().copied().collect();
        (Self { seen: seen.clone(), input, again: Vec::new(), end, ended: false, takes: true }, seen)
    }
}

impl Socket for Mock {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(!self.ended, "read after the end");
        self.seen.reads.fetch_add(1, Ordering::Relaxed);
        self.input.extend(self.seen.late.lock().unwrap().drain(..));
        if self.input.is_empty() {
            self.input.extend(&self.again);
        }
        let length = self.input.len().min(buffer.len());
        if length > 0 {
            buffer.iter_mut().zip(self.input.drain(..length)).for_each(|(to, from)| *to = from);
            return Poll::Ready(Ok(length));
        }
        match self.end {
            End::Silence => Poll::Pending,
            End::Eof => {
                self.ended = true;
                Poll::Ready(Ok(0))
            }
            End::Error => {
                self.ended = true;
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }

    fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<()> {
        let silent =
            self.input.is_empty() && self.again.is_empty() && self.seen.late.lock().unwrap().is_empty();
        if silent && matches!(self.end, End::Silence) { Poll::Pending } else { Poll::Ready(()) }
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.takes {
            return Poll::Pending;
        }
        self.seen.writes.fetch_add(1, Ordering::Relaxed);
        self.seen.written.fetch_add(bytes.len(), Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A machine that counts frames, and has some of its own to send.
#[derive(Default)]
struct Counter {
    came: AtomicUsize,
    /// The most frames that came between two that went.
    came_at: Mutex<Vec<usize>>,
    left: AtomicUsize,
    batch: usize,
    over: bool,
    timeouts: AtomicUsize,
    deadline: Option<Instant>,
    deaf: bool,
    ended: Mutex<Option<String>>,
}

#[derive(Clone)]
struct Handle(Arc<Counter>);

impl Machine for Handle {
    fn handle_frames(&self, frames: &mut VecDeque<Bytes>) {
        self.0.came.fetch_add(frames.len(), Ordering::Relaxed);
        frames.clear();
    }

    fn handle_eof(&self, why: &str) {
        *self.0.ended.lock().unwrap() = Some(why.to_owned());
    }

    fn handle_timeout(&self) {
        self.0.timeouts.fetch_add(1, Ordering::Relaxed);
    }

    fn poll_output(&self, _: &mut Context<'_>, frames: &mut VecDeque<Bytes>) -> Poll<Flow> {
        if self.0.over || self.0.timeouts.load(Ordering::Relaxed) > 0 {
            return Poll::Ready(Flow::Close);
        }
        let batch = self.0.batch.min(self.0.left.load(Ordering::Relaxed));
        if batch == 0 {
            return Poll::Pending;
        }
        self.0.left.fetch_sub(batch, Ordering::Relaxed);
        self.0.came_at.lock().unwrap().push(self.0.came.load(Ordering::Relaxed));
        frames.extend((0..batch).map(|_| Bytes::from_static(b"[1,2,3]")));
        Poll::Ready(Flow::Continue)
    }

    fn poll_over(&self, _: &mut Context<'_>) -> Poll<()> {
        if self.0.over { Poll::Ready(()) } else { Poll::Pending }
    }

    fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    fn wants_read(&self) -> bool {
        !self.0.deaf
    }

    fn encoding(&self) -> Encoding {
        Encoding::Json
    }

    fn receive_limit(&self) -> usize {
        1 << 20
    }
}

/// Frames of a RawSocket, behind the handshake of a client.
fn raw_frames(count: usize) -> Vec<u8> {
    b"\0\0\0\x03[1]".repeat(count)
}

const HANDSHAKE: &[u8] = &[0x7F, 0xF1, 0, 0];

async fn raw(mock: Mock) -> Raw<Mock> {
    let mut raw = Raw::new(mock, RawSocket::server(&Config::default()));
    raw.open().await.unwrap();
    raw
}

fn websocket(mock: Mock) -> WebSocket<Mock> {
    WebSocket::new(mock, Role::Client, Subprotocol::plain(Encoding::Json), 1 << 20)
}

/// Without signs of life.
async fn run(
    runtime: Arc<dyn Runtime>,
    transport: impl super::Transport + Send + 'static,
    machine: impl Machine,
) {
    super::run(runtime, transport, machine, heartbeat::Config::new(Duration::ZERO, Duration::ZERO)).await;
}

async fn within(future: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it hangs");
}

#[tokio::test]
async fn nothing_is_read_after_the_end() {
    for end in [End::Eof, End::Error] {
        // Between two frames, and within one.
        for cut in [0, 3] {
            let mut input = [HANDSHAKE, &raw_frames(5)].concat();
            input.truncate(input.len() - cut);
            let counter = Arc::new(Counter::default());
            let transport = raw(Mock::new(&input, end).0).await;
            within(run(Tokio::current(), transport, Handle(counter.clone()))).await;
            assert_eq!(counter.came.load(Ordering::Relaxed), if cut == 0 { 5 } else { 4 });
            assert!(counter.ended.lock().unwrap().is_some());

            let mut input = b"\x81\x03[1]".repeat(5);
            input.truncate(input.len() - cut);
            let counter = Arc::new(Counter::default());
            let transport = websocket(Mock::new(&input, end).0);
            within(run(Tokio::current(), transport, Handle(counter.clone()))).await;
            assert_eq!(counter.came.load(Ordering::Relaxed), if cut == 0 { 5 } else { 4 });
            assert!(counter.ended.lock().unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn the_end_is_the_end_while_the_machine_closes() {
    let counter = Arc::new(Counter { over: true, ..Counter::default() });
    let transport = raw(Mock::new(&[HANDSHAKE, &raw_frames(1)].concat(), End::Eof).0).await;
    within(run(Tokio::current(), transport, Handle(counter.clone()))).await;
    assert_eq!(counter.ended.lock().unwrap().as_deref(), Some(""));
}

#[tokio::test]
async fn many_frames_are_few_writes() {
    let counter = || Arc::new(Counter { left: 100.into(), batch: 100, ..Counter::default() });
    let (mock, seen) = Mock::new(HANDSHAKE, End::Silence);
    let pump = run(Tokio::current(), raw(mock).await, Handle(counter()));
    let _ = tokio::time::timeout(Duration::from_millis(50), pump).await;
    assert_eq!(seen.written.load(Ordering::Relaxed), 4 + 100 * 11);
    assert!(seen.writes.load(Ordering::Relaxed) <= 3);

    let (mock, seen) = Mock::new(&[], End::Silence);
    let pump = run(Tokio::current(), websocket(mock), Handle(counter()));
    let _ = tokio::time::timeout(Duration::from_millis(50), pump).await;
    assert_eq!(seen.written.load(Ordering::Relaxed), 100 * 13);
    assert!(seen.writes.load(Ordering::Relaxed) <= 3, "{:?}", seen.writes);
}

/// The library clears a buffer for each read: a connection that is woken to write does not try.
#[test]
fn a_websocket_reads_when_there_is_something() {
    let (mock, seen) = Mock::new(b"\x81\x03[1]\x81", End::Silence);
    let mut websocket = websocket(mock);
    let context = &mut Context::from_waker(Waker::noop());
    let mut read = || super::Transport::poll_read(&mut websocket, context);
    assert!(matches!(read(), Poll::Ready(Ok(message)) if message == "[1]"));
    assert!(read().is_pending());
    let reads = seen.reads.load(Ordering::Relaxed);
    for _ in 0..10 {
        assert!(read().is_pending());
    }
    assert_eq!(seen.reads.load(Ordering::Relaxed), reads);
    seen.late.lock().unwrap().extend(b"\x03[2]");
    assert!(matches!(read(), Poll::Ready(Ok(message)) if message == "[2]"));
    // So is the closing handshake, which is answered.
    seen.late.lock().unwrap().extend(b"\x88\x00");
    assert!(read().is_pending());
    assert_eq!(seen.written.load(Ordering::Relaxed), 6, "the answer");
}

#[tokio::test]
async fn reading_and_writing_take_turns() {
    let (mut mock, _) = Mock::new(HANDSHAKE, End::Silence);
    mock.again = raw_frames(1_000);
    let counter = Arc::new(Counter { left: 10_000.into(), batch: 10, ..Counter::default() });
    let pump = run(Tokio::current(), raw(mock).await, Handle(counter.clone()));
    let _ = tokio::time::timeout(Duration::from_millis(300), pump).await;
    let came_at = counter.came_at.lock().unwrap();
    assert!(came_at.len() > 20, "a flood of frames stopped the writing");
    for pair in came_at.windows(2).take(900) {
        assert!(pair[1] > pair[0], "endless output stopped the reading");
        assert!(pair[1] - pair[0] <= 64, "{} frames came between two that went", pair[1] - pair[0]);
    }
}

#[tokio::test]
async fn a_flood_does_not_stop_the_clock() {
    let (mut mock, _) = Mock::new(HANDSHAKE, End::Silence);
    mock.again = raw_frames(1_000);
    let runtime = Tokio::current();
    let deadline = Some(runtime.now() + Duration::from_millis(50));
    let counter = Arc::new(Counter { deadline, ..Counter::default() });
    within(async {
        let pump = run(runtime, raw(mock).await, Handle(counter.clone()));
        let _ = tokio::time::timeout(Duration::from_millis(500), pump).await;
    })
    .await;
    assert!(counter.timeouts.load(Ordering::Relaxed) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_left_once_the_session_is_over() {
    /// Has one last frame, and is over.
    struct Last(Handle, AtomicUsize);

    impl Machine for Last {
        fn handle_frames(&self, frames: &mut VecDeque<Bytes>) {
            self.0.handle_frames(frames);
        }
        fn handle_eof(&self, why: &str) {
            self.0.handle_eof(why);
        }
        fn handle_timeout(&self) {}
        fn poll_output(&self, _: &mut Context<'_>, frames: &mut VecDeque<Bytes>) -> Poll<Flow> {
            if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
                frames.push_back(Bytes::from_static(b"[3]"));
            }
            Poll::Ready(Flow::Close)
        }
        fn poll_over(&self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
        fn deadline(&self) -> Option<Instant> {
            None
        }
        fn wants_read(&self) -> bool {
            false
        }
        fn encoding(&self) -> Encoding {
            Encoding::Json
        }
        fn receive_limit(&self) -> usize {
            1 << 20
        }
    }

    let (mock, _) = Mock::new(HANDSHAKE, End::Silence);
    let mut transport = raw(mock).await;
    transport.socket.takes = false;
    let counter = Arc::new(Counter::default());
    within(run(Tokio::current(), transport, Last(Handle(counter.clone()), AtomicUsize::new(0)))).await;
    shows(&counter, "last messages");
}

/// Whoever pumps a connection with the router's heartbeat.
fn alive(counter: &Arc<Counter>, transport: impl super::Transport + Send + 'static) -> BoxFuture<()> {
    Box::pin(super::run(Tokio::current(), transport, Handle(counter.clone()), heartbeat::Config::ROUTER))
}

/// How long it takes until a peer is given up.
async fn life(counter: &Arc<Counter>, transport: impl super::Transport + Send + 'static) -> Duration {
    let start = tokio::time::Instant::now();
    alive(counter, transport).await;
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn fault_22_a_peer_that_gives_no_sign_of_life_is_given_up() {
    let (mock, seen) = Mock::new(HANDSHAKE, End::Silence);
    let counter = Arc::new(Counter::default());
    let lived = life(&counter, raw(mock).await).await;
    assert!((15..16).contains(&lived.as_secs()), "{lived:?}");
    assert_eq!(seen.written.load(Ordering::Relaxed), 4 + 4 + 8, "one PING, and nothing else");
    shows(&counter, "silent");

    let (mock, seen) = Mock::new(&[], End::Silence);
    let counter = Arc::new(Counter::default());
    let lived = life(&counter, websocket(mock)).await;
    assert!((15..16).contains(&lived.as_secs()), "{lived:?}");
    assert_eq!(seen.written.load(Ordering::Relaxed), 14 + 6, "one ping, and the close frame");
    shows(&counter, "silent");
}

/// Says something from time to time, be it a part of a frame.
struct Talks {
    mock: Mock,
    every: tokio::time::Interval,
    left: usize,
}

impl Socket for Talks {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.left > 0 && self.every.poll_tick(context).is_ready() {
            self.left -= 1;
            self.mock.input.push_back(0);
        }
        self.mock.poll_read(context, buffer)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.mock.poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.mock.poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.mock.poll_close(context)
    }
}

#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    let (mock, seen) = Mock::new(HANDSHAKE, End::Silence);
    let every = tokio::time::interval(Duration::from_secs(9));
    let mut transport = Raw::new(Talks { mock, every, left: 12 }, RawSocket::server(&Config::default()));
    transport.open().await.unwrap();
    let counter = Arc::new(Counter::default());
    let lived = life(&counter, transport).await;
    // The first byte comes at once; 15 s after the last one, it is over.
    assert!((9 * 11 + 15..9 * 11 + 16).contains(&lived.as_secs()), "{lived:?}");
    assert_eq!(seen.written.load(Ordering::Relaxed), 4 + 4 + 8, "it is asked only when it is silent");
}

#[tokio::test(start_paused = true)]
async fn those_whom_we_do_not_listen_to_are_not_given_up() {
    let (mock, _) = Mock::new(HANDSHAKE, End::Silence);
    let counter = Arc::new(Counter { deaf: true, ..Counter::default() });
    let pump = alive(&counter, raw(mock).await);
    assert!(tokio::time::timeout(Duration::from_secs(300), pump).await.is_err());
}

/// A ping of a server.
const PING: &[u8] = b"\x89\0";

#[tokio::test(start_paused = true)]
async fn fault_7_pings_in_a_row_are_a_flood() {
    for (input, flood) in [
        (PING.repeat(32), false),
        (PING.repeat(33), true),
        ([PING.repeat(32), b"\x81\x03[1]".to_vec(), PING.repeat(32)].concat(), false),
    ] {
        let (mock, _) = Mock::new(&input, End::Eof);
        let counter = Arc::new(Counter::default());
        within(run(Tokio::current(), websocket(mock), Handle(counter.clone()))).await;
        let ended = counter.ended.lock().unwrap().clone().unwrap();
        assert_eq!(ended.contains("too many pings"), flood, "{ended}");
    }
}

fn shows(counter: &Counter, text: &str) {
    let ended = counter.ended.lock().unwrap().clone().unwrap();
    assert!(ended.contains(text), "{ended}");
}

/// The whole of a client over a stream that ends in the middle of the opening.
#[tokio::test]
async fn a_stream_that_ends_before_welcome_fails_the_join() {
    let options = ClientOptions::default();
    let (machine, join) = options
        .start(Tokio::current(), Encoding::Json, Limits::MAX_MESSAGE_SIZE, wamp_proto::Channel::default())
        .unwrap();
    let transport = websocket(Mock::new(b"\x81", End::Eof).0);
    within(async {
        let (joined, ()) = tokio::join!(join, run(Tokio::current(), transport, machine));
        assert!(joined.is_err());
    })
    .await;
}
