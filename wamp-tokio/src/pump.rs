//! The pumps: they carry frames between a transport and a machine, and know nothing of WAMP.
//!
//! One task a connection. It reads what there is, hands it over in one go, writes what there is, flushes once, and starts
//! again; it never reads after the end of the stream, and gives others their turn after some rounds.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message, Utf8Bytes,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};
use wamp_driver::{
    Flow, Machine, Runtime,
    proto::{
        Encoding, Instant,
        transport::rawsocket::{self, RawSocket},
    },
};

use crate::handshakes::linger;

/// Frames that are read before they are handed over: enough to share a lock and a wake-up, not so many that the writers
/// wait for long.
const READ_BATCH: usize = 64;

/// Rounds of reading and writing before other tasks get their turn.
const ROUNDS: usize = 8;

/// How long the peer may take to close its side once ours is closed.
const LINGER: Duration = Duration::from_secs(1);

/// How a transport is read and written, one frame at a time.
pub(crate) trait Transport: Unpin {
    /// The next frame. `None` at the end, with a text for people if it was not in order.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, String>>;

    /// Takes as many frames as its buffer has room for; `Pending` when there are more.
    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        frames: &mut VecDeque<Bytes>,
    ) -> Poll<Result<(), String>>;

    /// Writes everything out.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>>;

    /// Closes our side, everything written before.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// After the peer was told what it did wrong: waits until it has closed, and looks at nothing that it still sends.
    fn poll_discard(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// Runs a connection to its end.
pub(crate) async fn run(runtime: Arc<dyn Runtime>, transport: impl Transport, machine: impl Machine) {
    let mut pump = Pump {
        runtime,
        transport,
        machine,
        incoming: VecDeque::new(),
        outgoing: VecDeque::new(),
        unflushed: false,
        ended: false,
        timer: None,
        linger: None,
    };
    let why = std::future::poll_fn(|context| pump.poll(context)).await;
    let Pump { mut transport, machine, ended, linger, .. } = pump;
    match why {
        Ok(()) if ended => machine.handle_eof(""),
        // In order: what was queued is written. The peer may still be writing; a socket that is dropped with unread data
        // takes back what was sent last.
        Ok(()) => {
            let drained = pin!(std::future::poll_fn(|context| poll_drain(&mut transport, context)));
            let _ = tokio::time::timeout(LINGER, drained).await;
            machine.handle_eof("");
        }
        // It had its moment, and takes nothing.
        Err(why) if linger.is_some() => machine.handle_eof(&why),
        Err(why) => {
            machine.handle_eof(&why);
            let closed = pin!(std::future::poll_fn(|context| {
                ready!(transport.poll_close(context));
                transport.poll_discard(context)
            }));
            let _ = tokio::time::timeout(LINGER, closed).await;
        }
    }
    // Those who wait for the end of the session wait for that of the transport.
    drop(transport);
    drop(machine);
}

/// Closes our side, then reads until the peer has closed its own.
fn poll_drain(transport: &mut impl Transport, context: &mut Context<'_>) -> Poll<()> {
    ready!(transport.poll_close(context));
    for _ in 0..READ_BATCH {
        if ready!(transport.poll_read(context)).is_err() {
            return Poll::Ready(());
        }
    }
    // A peer that never stops must not keep others, nor the clock, from their turn.
    context.waker().wake_by_ref();
    Poll::Pending
}

struct Pump<T, M> {
    runtime: Arc<dyn Runtime>,
    transport: T,
    machine: M,
    incoming: VecDeque<Bytes>,
    outgoing: VecDeque<Bytes>,
    unflushed: bool,
    /// The stream has ended: it is never read again.
    ended: bool,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    /// How long the peer may still take for its last messages.
    linger: Option<Pin<Box<Sleep>>>,
}

impl<T: Transport, M: Machine> Pump<T, M> {
    /// Ready when the machine is done, or when the transport is, which says why.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        for _ in 0..ROUNDS {
            let read = self.read(context);
            // What came before the end still counts, and so do the answers to it that can be written at once.
            let written = self.write(context);
            match (read, written) {
                (_, Ok(Step::Done)) => return Poll::Ready(Ok(())),
                (Err(why), _) | (_, Err(why)) => return Poll::Ready(Err(why)),
                (Ok(Step::Idle), Ok(Step::Idle)) if !self.tick(context) => return Poll::Pending,
                _ => {}
            }
        }
        // A peer that never stops talking does not stop the clock.
        self.tick(context);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn read(&mut self, context: &mut Context<'_>) -> Result<Step, String> {
        if self.ended || !self.machine.wants_read() {
            return Ok(Step::Idle);
        }
        let mut end = None;
        while self.incoming.len() < READ_BATCH {
            match self.transport.poll_read(context) {
                Poll::Ready(Ok(frame)) => self.incoming.push_back(frame),
                Poll::Ready(Err(why)) => {
                    (self.ended, end) = (true, Some(why));
                    break;
                }
                Poll::Pending => break,
            }
        }
        let step = if self.incoming.is_empty() { Step::Idle } else { Step::Moved };
        if step == Step::Moved {
            self.machine.handle_frames(&mut self.incoming);
        }
        end.map_or(Ok(step), Err)
    }

    /// Writes one batch a round: the peer is heard even while there is always more to write.
    fn write(&mut self, context: &mut Context<'_>) -> Result<Step, String> {
        let mut step = Step::Idle;
        loop {
            if self.unflushed {
                if self.flush(context)?.is_pending() {
                    self.wait_blocked(context)?;
                    return Ok(step);
                }
                self.unflushed = false;
            }
            if step == Step::Moved {
                return Ok(step);
            }
            match self.machine.poll_output(context, &mut self.outgoing) {
                Poll::Ready(Flow::Continue) => (step, self.unflushed) = (Step::Moved, true),
                Poll::Ready(Flow::Close) if self.outgoing.is_empty() => return Ok(Step::Done),
                Poll::Ready(Flow::Close) => self.unflushed = true,
                Poll::Pending => return Ok(step),
            }
        }
    }

    fn flush(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, String> {
        if self.transport.poll_write(context, &mut self.outgoing)?.is_pending() {
            return Ok(Poll::Pending);
        }
        Ok(self.transport.poll_flush(context)?)
    }

    /// The transport takes nothing now. The machine is still to be heard, for its deadlines move; and once its session is
    /// over, the peer has a moment to take what is left.
    fn wait_blocked(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        if self.machine.poll_over(context).is_pending() {
            return Ok(());
        }
        let linger = self.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        match linger.as_mut().poll(context) {
            Poll::Ready(()) => Err("the peer does not take its last messages".to_owned()),
            Poll::Pending => Ok(()),
        }
    }

    /// Keeps the timer. One that comes too early is harmless and sets the next one, so it is only ever moved forward.
    fn tick(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(at) = self.machine.deadline() {
            if self.timer.as_ref().is_none_or(|(armed, _)| at < *armed) {
                self.timer = Some((at, Box::pin(tokio::time::sleep(at - self.runtime.now()))));
            }
        }
        let due = self.timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(context).is_ready());
        if due {
            self.timer = None;
            self.machine.handle_timeout();
        }
        due
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Idle,
    Moved,
    Done,
}

/// A WebSocket: one frame a message, text or binary as the serializer demands (W-41, W-42).
pub(crate) struct WebSocket<S> {
    socket: WebSocketStream<S>,
    text: bool,
    closing: bool,
    /// The peer was told that it is at fault, and may not have read it yet.
    refused: bool,
}

impl<S> WebSocket<S> {
    pub(crate) fn new(socket: WebSocketStream<S>, encoding: Encoding) -> Self {
        Self { socket, text: encoding.is_text(), closing: false, refused: false }
    }
}

/// Buffers are a decision: the library's default of 128 KiB for reading is memory that every idle connection holds.
pub(crate) fn websocket_config(receive_limit: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(receive_limit))
        .max_frame_size(Some(receive_limit))
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// The peer broke the rules of WebSocket: tells it which, if it listens.
    fn refuse(&mut self, code: CloseCode, why: String) -> String {
        let reason = Utf8Bytes::from(why.chars().take(100).collect::<String>());
        // The connection is over either way.
        let _ = Pin::new(&mut self.socket).start_send(Message::Close(Some(CloseFrame { code, reason })));
        (self.closing, self.refused) = (true, true);
        why
    }

    fn failed(&mut self, error: tungstenite::Error) -> String {
        use tungstenite::Error as E;
        match error {
            E::ConnectionClosed | E::AlreadyClosed => String::new(),
            E::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => String::new(),
            E::Io(error) => error.to_string(),
            E::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => String::new(),
            E::Capacity(error) => self.refuse(CloseCode::Size, error.to_string()),
            // What the library says is the text itself, as far as it can be read.
            E::Utf8(_) => self.refuse(CloseCode::Invalid, "invalid UTF-8".to_owned()),
            error => self.refuse(CloseCode::Protocol, error.to_string()),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for WebSocket<S> {
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, String>> {
        loop {
            let message = match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                None => return Poll::Ready(Err(String::new())),
                Some(Err(error)) => return Poll::Ready(Err(self.failed(error))),
                Some(Ok(message)) => message,
            };
            match message {
                Message::Text(text) if self.text => return Poll::Ready(Ok(text.into())),
                Message::Binary(bytes) if !self.text => return Poll::Ready(Ok(bytes)),
                Message::Text(_) | Message::Binary(_) if self.closing => {}
                Message::Text(_) => {
                    let why = "a text message came, this serializer is binary".to_owned();
                    return Poll::Ready(Err(self.refuse(CloseCode::Unsupported, why)));
                }
                Message::Binary(_) => {
                    let why = "a binary message came, this serializer is text".to_owned();
                    return Poll::Ready(Err(self.refuse(CloseCode::Unsupported, why)));
                }
                // The library answers pings and close frames; they go out with the next flush.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
            }
        }
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        frames: &mut VecDeque<Bytes>,
    ) -> Poll<Result<(), String>> {
        while !frames.is_empty() {
            if let Err(error) = ready!(Pin::new(&mut self.socket).poll_ready(context)) {
                return Poll::Ready(Err(self.failed(error)));
            }
            let Some(frame) = frames.pop_front() else { break };
            let message = if self.text {
                match Utf8Bytes::try_from(frame) {
                    Ok(text) => Message::Text(text),
                    Err(error) => return Poll::Ready(Err(error.to_string())),
                }
            } else {
                Message::Binary(frame)
            };
            if let Err(error) = Pin::new(&mut self.socket).start_send(message) {
                return Poll::Ready(Err(self.failed(error)));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        match ready!(Pin::new(&mut self.socket).poll_flush(context)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(self.failed(error))),
        }
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.closing {
            self.closing = true;
            // Fails when the peer has closed already.
            let _ = Pin::new(&mut self.socket).start_send(Message::Close(None));
        }
        let _ = ready!(Pin::new(&mut self.socket).poll_flush(context));
        Poll::Ready(())
    }

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.refused {
            return Poll::Ready(());
        }
        let stream = self.socket.get_mut();
        let _ = ready!(Pin::new(&mut *stream).poll_shutdown(context));
        let mut unread = [0; 4 << 10];
        for _ in 0..READ_BATCH {
            let mut buffer = ReadBuf::new(&mut unread);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                self.refused = false;
                return Poll::Ready(());
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A RawSocket over any byte stream: the codec is the core's.
pub(crate) struct Raw<S> {
    stream: S,
    codec: RawSocket,
}

/// Room that a read finds in the buffer at least.
const READ_ROOM: usize = 4 << 10;

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub(crate) fn new(stream: S, codec: RawSocket) -> Self {
        Self { stream, codec }
    }

    /// Exchanges the handshake; gives the serializer and the largest message that the peer accepts.
    pub(crate) async fn open(&mut self) -> Result<(Encoding, usize), rawsocket::RawSocketError> {
        std::future::poll_fn(|context| {
            loop {
                let flushed = self.poll_out(context);
                match self.codec.poll_event() {
                    Some(rawsocket::Event::Open { encoding, send_limit }) => {
                        return Poll::Ready(Ok((encoding, send_limit)));
                    }
                    // A refusal must go out before the socket is dropped.
                    Some(rawsocket::Event::Failed(error)) => {
                        let _ = self.poll_out(context);
                        return Poll::Ready(Err(error));
                    }
                    _ => {}
                }
                if matches!(flushed, Poll::Ready(Err(_))) {
                    self.codec.handle_eof();
                    continue;
                }
                ready!(self.poll_fill(context));
            }
        })
        .await
    }

    /// After a handshake that failed: a peer that was told why hears it.
    pub(crate) async fn refuse(&mut self, error: &rawsocket::RawSocketError) {
        use rawsocket::RawSocketError as E;
        let told = matches!(
            error,
            E::UnsupportedSerializer { .. } | E::ReservedOctets { .. } | E::TooManyConnections
        );
        if told {
            linger(&mut self.stream).await;
        }
    }

    /// Reads once; the end is the codec's to judge.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let buffer = self.codec.buffer();
        buffer.reserve(READ_ROOM);
        let mut read = pin!(tokio::io::AsyncReadExt::read_buf(&mut self.stream, buffer));
        match ready!(read.as_mut().poll(context)) {
            Ok(0) | Err(_) => self.codec.handle_eof(),
            Ok(_) => self.codec.handle_read(),
        }
        Poll::Ready(())
    }

    fn poll_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.codec.output().is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, self.codec.output()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.codec.advance(written);
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for Raw<S> {
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, String>> {
        loop {
            match self.codec.poll_event() {
                Some(rawsocket::Event::Frame(frame)) => return Poll::Ready(Ok(frame)),
                Some(rawsocket::Event::Failed(rawsocket::RawSocketError::Closed)) => {
                    return Poll::Ready(Err(String::new()));
                }
                Some(rawsocket::Event::Failed(error)) => return Poll::Ready(Err(error.to_string())),
                Some(_) => {}
                None => {
                    // PONGs are due at once (W-72); what does not fit now goes out with the next flush.
                    let _ = self.poll_out(context);
                    ready!(self.poll_fill(context));
                }
            }
        }
    }

    fn poll_write(&mut self, _: &mut Context<'_>, frames: &mut VecDeque<Bytes>) -> Poll<Result<(), String>> {
        while let Some(frame) = frames.pop_front() {
            if let Err(error) = self.codec.send(&frame) {
                return Poll::Ready(Err(error.to_string()));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        self.poll_out(context).map_err(|error| error.to_string())
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let _ = ready!(self.poll_out(context));
        let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(context));
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
