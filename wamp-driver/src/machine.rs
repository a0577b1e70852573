//! The machines that an adapter's pump runs: one for a client's session, one for a connection at a router.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use bytes::Bytes;
use wamp_proto::{Encoding, Instant};

use crate::{
    Side,
    shared::{Shared, Writer},
    tap::Watched,
};

/// One end of a connection, to be pumped.
///
/// The pump hands over what it reads, takes what is to be written, and keeps one timer. Three rules: never read after the
/// end of the stream; alternate between reading and writing; and write many frames at once, flush once.
pub trait Machine: Send + Unpin + 'static {
    /// Frames came, in order; they are taken out of `frames`.
    fn handle_frames(&self, frames: &mut VecDeque<Bytes>);

    /// The transport has ended, and why; empty when there is nothing to say. Nothing else is called after it.
    fn handle_eof(&self, why: &str);

    /// The deadline is due, or may be.
    fn handle_timeout(&self);

    /// Adds frames to write. `Pending` when there are none; the waker is woken when that changes, or the deadline, or
    /// [`wants_read`](Self::wants_read).
    fn poll_output(&self, context: &mut Context<'_>, frames: &mut VecDeque<Bytes>) -> Poll<Flow>;

    /// Whether the session is over, whatever is still to be written: asked while the transport takes nothing. A peer has a
    /// moment then, no more. If it is not over, the waker is woken as for [`poll_output`](Self::poll_output).
    fn poll_over(&self, context: &mut Context<'_>) -> Poll<()>;

    /// When to call [`handle_timeout`](Self::handle_timeout).
    fn deadline(&self) -> Option<Instant>;

    /// Whether to go on reading.
    fn wants_read(&self) -> bool;

    /// The serializer of the connection.
    fn encoding(&self) -> Encoding;

    /// The largest frame to accept, in bytes.
    fn receive_limit(&self) -> usize;

    /// How others can have the pump write at once, without its task. Most have no use for it.
    fn set_writer(&self, _: WeakWriter) {}
}

/// The pump as those see it who want it to write.
#[derive(Clone)]
pub struct WeakWriter(pub(crate) Weak<dyn Writer>);

/// What to do after the frames of [`Machine::poll_output`] are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Flush, and ask again.
    Continue,
    /// Flush, and drop the transport.
    Close,
}

/// How many bytes a pump takes at once: the rest waits in the bounded queue of the core, not in a socket's buffer.
pub(crate) const BATCH: usize = 256 << 10;

/// The machine of a client: give it to a pump.
pub struct ClientMachine {
    shared: Arc<Shared>,
    watched: Option<Watched>,
}

impl ClientMachine {
    /// That of the client's session with this number.
    pub(crate) fn new(shared: Arc<Shared>, number: u64) -> Self {
        let (options, encoding) = (&shared.options, shared.encoding());
        let watched = Watched::new(&options.taps, Side::Client, number, encoding, options.limits);
        Self { shared, watched }
    }
}

impl Machine for ClientMachine {
    fn handle_frames(&self, frames: &mut VecDeque<Bytes>) {
        if let Some(watched) = &self.watched {
            watched.show(Side::Router, frames.iter());
        }
        self.shared.update_as_pump(|state, now| {
            for frame in frames.drain(..) {
                state.session.handle_frame(now, frame);
            }
        });
    }

    fn handle_eof(&self, why: &str) {
        self.shared.update_as_pump(|state, _| state.session.handle_eof(why));
    }

    fn handle_timeout(&self) {
        self.shared.handle_timeout();
    }

    fn poll_output(&self, context: &mut Context<'_>, frames: &mut VecDeque<Bytes>) -> Poll<Flow> {
        let queued = frames.len();
        let flow = self.shared.poll_output(context, frames);
        if let Some(watched) = &self.watched {
            watched.show(Side::Client, frames.range(queued..));
        }
        flow
    }

    fn poll_over(&self, context: &mut Context<'_>) -> Poll<()> {
        self.shared.poll_over(context)
    }

    fn deadline(&self) -> Option<Instant> {
        self.shared.deadline()
    }

    fn wants_read(&self) -> bool {
        self.shared.peek(|state| state.session.wants_read())
    }

    fn encoding(&self) -> Encoding {
        self.shared.encoding()
    }

    fn receive_limit(&self) -> usize {
        self.shared.options.limits.message_size
    }

    fn set_writer(&self, writer: WeakWriter) {
        self.shared.set_writer(writer.0);
    }
}

impl fmt::Debug for ClientMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientMachine").field(&self.shared).finish()
    }
}

impl Drop for ClientMachine {
    /// A pump that is dropped, with its runtime say, must not leave anybody waiting.
    fn drop(&mut self) {
        self.shared.update_with(|state, _, effects| {
            state.session.handle_eof("the connection's task was stopped");
            state.unpumped(effects);
        });
    }
}
