//! A client whose messages are recorded.

use std::{fmt, ops::Deref, thread};

use wamp_driver::{
    Observed, Recording, Side,
    net::{Connect, Network},
};

use crate::{Eventually, MessageKind, eventually};

/// A client that has joined, and what it has sent and received. It is used as the client that it holds: the one of the async
/// adapters, or [that of threads](crate::blocking::Client).
///
/// When a test panics while it has one, the messages are printed.
///
/// ```
/// use wamp_blocking::Wait as _;
/// use wamp_test::{MessageKind, Router, blocking};
///
/// let router = Router::start();
/// let client = blocking::Client::at(&router);
/// client.publish("com.example.alarm").args((7,)).acknowledge().wait()?;
/// client.assert_sent(MessageKind::Publish, "com.example.alarm");
/// client.wait_for_received(MessageKind::Welcome, "").wait();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client<C = wamp_driver::Client> {
    client: C,
    recording: Recording,
}

impl<C> Client<C> {
    /// One that joins as it is told: `Client::join(router.connect::<wamp_tokio::Tokio>().auth(users::cra())).await`.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub async fn join<N: Network<Client = C>>(connect: Connect<N>) -> Self {
        let recording = Recording::new();
        let joined = connect.tap(recording.clone()).await;
        let client =
            joined.unwrap_or_else(|error| panic!("the client does not join: {error}\n{recording:#?}"));
        Self { client, recording }
    }

    /// The client alone, to be given away; it is still recorded for this one.
    pub fn handle(&self) -> C
    where
        C: Clone,
    {
        self.client.clone()
    }

    /// All its messages: the last 1,000.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The messages of this kind that it has sent and whose JSON text contains `text`, which may be empty.
    pub fn sent(&self, kind: MessageKind, text: &str) -> Vec<Observed> {
        self.find(Side::Client, kind, text)
    }

    /// The same for those that it has received.
    pub fn received(&self, kind: MessageKind, text: &str) -> Vec<Observed> {
        self.find(Side::Router, kind, text)
    }

    /// The first message of this kind that it has sent and whose JSON text contains `text`.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn assert_sent(&self, kind: MessageKind, text: &str) -> Observed {
        self.first(Side::Client, kind, text).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same for one that it has received.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn assert_received(&self, kind: MessageKind, text: &str) -> Observed {
        self.first(Side::Router, kind, text).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Waits until it has sent such a message.
    #[track_caller]
    pub fn wait_for_sent<'a>(&'a self, kind: MessageKind, text: &'a str) -> Eventually<'a, Observed>
    where
        C: Sync,
    {
        eventually(move || self.first(Side::Client, kind, text))
    }

    /// Waits until it has received such a message.
    #[track_caller]
    pub fn wait_for_received<'a>(&'a self, kind: MessageKind, text: &'a str) -> Eventually<'a, Observed>
    where
        C: Sync,
    {
        eventually(move || self.first(Side::Router, kind, text))
    }

    fn first(&self, sender: Side, kind: MessageKind, text: &str) -> Result<Observed, String> {
        let seen = || format!("no {kind} with `{text}` from the {sender}, but {:#?}", self.recording);
        self.find(sender, kind, text).into_iter().next().ok_or_else(seen)
    }

    fn find(&self, sender: Side, kind: MessageKind, text: &str) -> Vec<Observed> {
        let wanted = |message: &Observed| {
            let of_kind = (message.sender(), message.kind()) == (sender, Some(kind));
            of_kind && message.json().is_some_and(|json| json.contains(text))
        };
        self.recording.messages().into_iter().filter(wanted).collect()
    }
}

impl<C> Deref for Client<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.client
    }
}

impl<C> Drop for Client<C> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("a client of the test that failed: {:#?}", self.recording);
        }
    }
}

impl<C> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("recording", &self.recording).finish_non_exhaustive()
    }
}
