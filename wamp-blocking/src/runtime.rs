//! A thread that moves bytes: what the driver needs of a runtime, and no more.
//!
//! Each client and each router has one such thread. It waits until sockets can be read or written, or a time has come, and
//! polls the tasks that this concerns: the pumps of the connections, which never block. One poller for all connections of a
//! router, and not a thread each, because an idle connection then costs its buffers and no stack, and a message to many
//! subscribers no switches between threads. Handlers may block: they run on the threads of a [`Pool`].
//!
//! A thread that has run a handler polls the tasks that this woke before it looks for other work: the answer is on the wire
//! when it does, and the I/O thread was not bothered.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use mio::{Events, Poll as Poller, Registry};
use wamp_driver::{
    Address, BoxFuture, IpVersion, Job, Runtime, Signals,
    net::{Accept, Network, OpenListener, Socket},
    proto,
};

use crate::{
    connect::connect,
    io::{Sources, WAKE},
    pool::Pool,
    serve::listen,
    signals::signals,
    timers::{Sleep, Timers},
};

/// The I/O thread of a client or a router, and its handler threads.
pub struct Threads {
    origin: Instant,
    reactor: Arc<Reactor>,
    pool: Pool,
}

/// What the I/O thread shares with those who give it work.
pub(crate) struct Reactor {
    pub(crate) registry: Registry,
    pub(crate) sources: Sources,
    pub(crate) timers: Timers,
    /// Tasks to be polled; `None` when nobody does so any more.
    ready: Mutex<Option<VecDeque<Arc<Task>>>>,
    /// Ends the poller's sleep.
    alarm: mio::Waker,
    /// Whether the I/O thread sleeps, or is about to, and must be told of new work.
    sleeping: AtomicBool,
    /// Nobody uses the thread any more.
    over: AtomicBool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[allow(clippy::disallowed_methods, reason = "the one place where this adapter asks for the date")]
fn calendar() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

#[allow(clippy::disallowed_methods, reason = "the one place where this adapter asks for the time")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

thread_local! {
    /// Whether this thread moves bytes: always, or because it helps at the moment.
    static ON_IO: Cell<bool> = const { Cell::new(false) };
    /// The tasks that this thread woke and is about to poll itself, while it helps.
    static WOKEN: RefCell<Option<VecDeque<Arc<Task>>>> = const { RefCell::new(None) };
}

/// Whether this thread is one that moves bytes: it must not wait for any.
pub(crate) fn on_io_thread() -> bool {
    ON_IO.get()
}

/// Tasks that a thread polls at most before it leaves the others to the I/O thread: its own request, and what follows.
const HELP: usize = 8;

/// Does something that wakes tasks, then polls them here: nobody has to be told of them.
pub(crate) fn help<T>(work: impl FnOnce() -> T) -> T {
    /// What is left is the I/O thread's, whatever happens.
    struct Helping(Option<VecDeque<Arc<Task>>>);

    impl Drop for Helping {
        fn drop(&mut self) {
            let left = WOKEN.replace(self.0.take());
            for task in left.into_iter().flatten() {
                task.reactor.clone().push(task);
            }
        }
    }

    // A thread that ends has no such list any more.
    if on_io_thread() || WOKEN.try_with(|_| ()).is_err() {
        return work();
    }
    let _helping = Helping(WOKEN.replace(Some(VecDeque::new())));
    let result = work();
    for _ in 0..HELP {
        let Some(task) = WOKEN.with_borrow_mut(|woken| woken.as_mut()?.pop_front()) else { break };
        task.run();
    }
    result
}

impl Reactor {
    fn new(poller: &Poller) -> io::Result<Self> {
        Ok(Self {
            registry: poller.registry().try_clone()?,
            sources: Sources::default(),
            timers: Timers::default(),
            ready: Mutex::new(Some(VecDeque::new())),
            alarm: mio::Waker::new(poller.registry(), WAKE)?,
            sleeping: AtomicBool::new(false),
            over: AtomicBool::new(false),
        })
    }

    fn push(&self, task: Arc<Task>) {
        if let Some(ready) = &mut *lock(&self.ready) {
            ready.push_back(task);
        }
        self.rouse();
    }

    /// Ends the sleep of the I/O thread, if it sleeps.
    pub(crate) fn rouse(&self) {
        if self.sleeping.swap(false, Ordering::SeqCst) {
            // It cannot fail but for a lack of memory, and then the next one will do.
            let _ = self.alarm.wake();
        }
    }

    /// The I/O thread.
    fn run(&self, mut poller: Poller) {
        ON_IO.set(true);
        let mut events = Events::with_capacity(256);
        while !self.over.load(Ordering::SeqCst) {
            // One round of what is ready now: sockets and timers get their turn in between.
            let round = lock(&self.ready).as_mut().map(std::mem::take);
            round.into_iter().flatten().for_each(Task::run);
            self.timers.fire(clock());
            self.sleeping.store(true, Ordering::SeqCst);
            let idle = lock(&self.ready).as_ref().is_none_or(VecDeque::is_empty);
            let busy = !idle || self.over.load(Ordering::SeqCst);
            let limit = if busy { Some(Duration::ZERO) } else { self.timers.until_next(clock()) };
            let polled = poller.poll(&mut events, limit);
            self.sleeping.store(false, Ordering::SeqCst);
            match polled {
                Ok(()) => self.sources.wake(&events),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => panic!("the operating system cannot watch sockets any more: {error}"),
            }
        }
        // Tasks that are left belong to nobody, and hold what holds them.
        let left = lock(&self.ready).take();
        drop(left);
        self.timers.clear();
        self.sources.clear();
    }
}

/// A future that the reactor's threads poll.
struct Task {
    reactor: Arc<Reactor>,
    future: Mutex<Option<BoxFuture<()>>>,
    queued: AtomicBool,
}

impl Task {
    fn run(self: Arc<Self>) {
        /// A thread that helps is on its own again afterwards.
        struct OnIo(bool);

        impl Drop for OnIo {
            fn drop(&mut self) {
                ON_IO.set(self.0);
            }
        }

        self.queued.store(false, Ordering::SeqCst);
        let waker = Waker::from(self.clone());
        // Whoever polls must not wait: the answer may be this very task's to bring.
        let _on_io = OnIo(ON_IO.replace(true));
        let mut future = lock(&self.future);
        let poll = || {
            let mut context = Context::from_waker(&waker);
            future.as_mut().is_some_and(|future| future.as_mut().poll(&mut context).is_ready())
        };
        // A panic, which was reported already, ends the task, and not the thread that happens to poll it.
        if catch_unwind(AssertUnwindSafe(poll)).unwrap_or(true) {
            let done = future.take();
            drop(future);
            // It may wake and spawn others, or end this very reactor.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(done)));
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if self.queued.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut task = Some(self);
        // A thread that ends has no such list any more.
        let _ = WOKEN.try_with(|woken| {
            if let Some(woken) = &mut *woken.borrow_mut() {
                woken.extend(task.take());
            }
        });
        if let Some(task) = task {
            task.reactor.clone().push(task);
        }
    }
}

impl Threads {
    fn start() -> io::Result<Self> {
        let poller = Poller::new()?;
        let reactor = Arc::new(Reactor::new(&poller)?);
        let thread = reactor.clone();
        thread::Builder::new().name("wamp-io".to_owned()).spawn(move || thread.run(poller))?;
        Ok(Self { origin: clock(), reactor, pool: Pool::default() })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.reactor.over.store(true, Ordering::SeqCst);
        self.reactor.rouse();
    }
}

impl Runtime for Threads {
    fn now(&self) -> proto::Instant {
        proto::Instant::from_origin(clock().saturating_duration_since(self.origin))
    }

    fn unix_time(&self) -> Duration {
        calendar()
    }

    fn spawn(&self, task: BoxFuture<()>) {
        let task = Task {
            reactor: self.reactor.clone(),
            future: Mutex::new(Some(task)),
            queued: AtomicBool::new(false),
        };
        Arc::new(task).wake();
    }

    fn spawn_blocking(&self, job: Job) {
        self.pool.run(Box::new(move || {
            // A handler may block for long: what it wakes must not wait for its end.
            let done = job();
            help(done);
        }));
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        // A time that no clock reaches is none.
        match clock().checked_add(duration) {
            Some(at) => Box::pin(Sleep::new(self.reactor.clone(), at)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        // An operating system without a random source is one that nothing here can run safely on.
        getrandom::fill(&mut seed).expect("the operating system has a random source");
        seed
    }

    #[cfg(unix)]
    fn signals(&self) -> io::Result<Signals> {
        signals(&self.reactor)
    }
}

impl Network for Threads {
    type Client = crate::Client;

    /// # Panics
    ///
    /// When the operating system has no thread or no poller left.
    fn current() -> Arc<Self> {
        Arc::new(Self::start().expect("the operating system has a thread left"))
    }

    fn connect(&self, to: Address, ip: IpVersion) -> BoxFuture<io::Result<Box<dyn Socket>>> {
        Box::pin(connect(self.reactor.clone(), to, ip))
    }

    fn listen(&self, listener: OpenListener) -> io::Result<Box<dyn Accept>> {
        listen(&self.reactor, listener)
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}

/// Ends the sleep of a thread that waits.
struct Unpark {
    thread: thread::Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

/// Waits for a future on this thread, until a time if one is given.
///
/// # Panics
///
/// On an I/O thread, which would wait for itself.
pub(crate) fn block_on<F: Future>(future: F, until: Option<Instant>) -> Option<F::Output> {
    assert!(
        !on_io_thread(),
        "waiting on the I/O thread would wait for ever: use `register_blocking` and `handle_blocking` for code that waits"
    );
    let unpark = Arc::new(Unpark { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        while !unpark.woken.swap(false, Ordering::SeqCst) {
            match until.map(|until| until.saturating_duration_since(clock())) {
                None => thread::park(),
                Some(Duration::ZERO) => return None,
                Some(left) => thread::park_timeout(left),
            }
        }
    }
}
