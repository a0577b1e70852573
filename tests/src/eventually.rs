//! Waiting for what there is no event for.

use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use wamp_blocking::Threads;
use wamp_driver::{Runtime as _, net::Network as _, proto::Instant};

/// How long is waited unless a test says: 5 s.
pub const LIMIT: Duration = Duration::from_secs(5);

/// Pauses between looks grow from the first to the last.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// Looks until it is so: until the closure gives `true`, `Some` or `Ok`, for [5 s](LIMIT) at most. What it gives
/// then is the output; if the time is over, it panics with what was seen last.
///
/// `.await` it on any runtime, or [`wait`](Eventually::wait) for it without one.
///
/// ```
/// use wamp_test::eventually;
///
/// let mut looks = 0;
/// let seen = eventually(|| {
///     looks += 1;
///     if looks < 3 { Err(format!("only {looks}")) } else { Ok(looks) }
/// });
/// assert_eq!(seen.wait(), 3);
/// ```
#[track_caller]
pub fn eventually<'a, R: Look>(mut look: impl FnMut() -> R + Send + 'a) -> Eventually<'a, R::Output> {
    let look = Box::new(move || look().outcome());
    Eventually { look, limit: LIMIT, place: Location::caller() }
}

/// The same for what has to be awaited: `eventually_async(async || client.call("com.example.ready").await).await`.
///
/// # Panics
///
/// When it is not so within 5 s, not counting the last look.
pub async fn eventually_async<R: Look>(mut look: impl AsyncFnMut() -> R) -> R::Output {
    let mut pauses = Pauses::new(LIMIT);
    loop {
        let seen = match look().await.outcome() {
            Ok(output) => return output,
            Err(seen) => seen,
        };
        let pause = pauses.next().unwrap_or_else(|| panic!("not within {LIMIT:?}: {seen}"));
        timer().sleep(pause).await;
    }
}

/// What a look gives: `bool`, `Option` or `Result`.
pub trait Look {
    /// What is there in the end.
    type Output;

    /// The output, or what was seen instead.
    ///
    /// # Errors
    ///
    /// What was seen, in words.
    fn outcome(self) -> Result<Self::Output, String>;
}

impl Look for bool {
    type Output = ();

    fn outcome(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(|| "it is still false".to_owned())
    }
}

impl<T> Look for Option<T> {
    type Output = T;

    fn outcome(self) -> Result<T, String> {
        self.ok_or_else(|| "there is still nothing".to_owned())
    }
}

impl<T, E: fmt::Display> Look for Result<T, E> {
    type Output = T;

    fn outcome(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// What is waited for: see [`eventually`].
#[must_use = "nothing is waited for until it is awaited, or `wait` is called"]
pub struct Eventually<'a, T> {
    look: Box<dyn FnMut() -> Result<T, String> + Send + 'a>,
    limit: Duration,
    place: &'static Location<'static>,
}

impl<'a, T: 'a> Eventually<'a, T> {
    /// How long to wait, instead of 5 s.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Waits on this thread.
    ///
    /// # Panics
    ///
    /// When the time is over; with what was seen last.
    pub fn wait(mut self) -> T {
        let mut pauses = Pauses::new(self.limit);
        loop {
            match self.look(&mut pauses) {
                Ok(output) => return output,
                Err(pause) => thread::sleep(pause),
            }
        }
    }

    /// One look: what is there, or for how long to wait for the next one.
    fn look(&mut self, pauses: &mut Pauses) -> Result<T, Duration> {
        (self.look)().map_err(|seen| {
            let (limit, place) = (self.limit, self.place);
            pauses.next().unwrap_or_else(|| panic!("{place}: not within {limit:?}: {seen}"))
        })
    }
}

impl<'a, T: 'a> IntoFuture for Eventually<'a, T> {
    type Output = T;
    type IntoFuture = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut pauses = Pauses::new(self.limit);
            loop {
                let pause = match self.look(&mut pauses) {
                    Ok(output) => return output,
                    Err(pause) => pause,
                };
                timer().sleep(pause).await;
            }
        })
    }
}

impl<T> fmt::Debug for Eventually<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eventually").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// The pauses between looks, until the time is over.
struct Pauses {
    next: Duration,
    end: Instant,
}

impl Pauses {
    fn new(limit: Duration) -> Self {
        Self { next: PAUSES[0], end: timer().now() + limit }
    }

    fn next(&mut self) -> Option<Duration> {
        let left = self.end - timer().now();
        let pause = self.next.min(left);
        self.next = (2 * self.next).min(PAUSES[1]);
        (!left.is_zero()).then_some(pause)
    }
}

/// A clock, and a thread that ends sleeps: they belong to no runtime, so that they serve each.
fn timer() -> &'static Arc<Threads> {
    static TIMER: OnceLock<Arc<Threads>> = OnceLock::new();
    TIMER.get_or_init(Threads::current)
}
