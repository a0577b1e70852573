//! WebSocket: one frame a message, or a batch of them, text or binary as the serializer demands (W-41, W-42, W-50).
//!
//! The framing is the library's, in its plain form: it reads and writes a [`Bridge`], which says "would block" where the
//! socket is pending. So there is one WebSocket for all runtimes, and none of them is known here.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use tungstenite::{
    Error, HandshakeError, Message, Utf8Bytes,
    error::ProtocolError,
    handshake::client::{ClientHandshake, Request, Response},
    protocol::{
        CloseFrame, Role, WebSocketConfig,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};
use wamp_proto::transport::websocket::{BatchError, Batching, Subprotocol};

use super::{
    Socket,
    prefixed::Prefixed,
    pump::{Signs, Transport},
    socket::{or_would_block, poll_discard},
};

/// A socket as the WebSocket library wants it: it blocks never, and says when it would.
struct Bridge<S> {
    socket: S,
    /// The one task that the socket wakes, for reading and for writing.
    waker: Waker,
    /// Bytes came.
    heard: bool,
    /// The last read found nothing.
    dry: bool,
    /// The last write found no room.
    full: bool,
}

impl<S> Bridge<S> {
    fn new(socket: S) -> Self {
        Self { socket, waker: Waker::noop().clone(), heard: false, dry: false, full: false }
    }

    fn wakes(&mut self, context: &Context<'_>) {
        self.waker.clone_from(context.waker());
    }
}

impl<S: Socket> Bridge<S> {
    /// Whether the library, which had read all that there was, would find nothing new, nor room for what it has to say
    /// itself. It clears its buffer before it looks, which is much for a connection that is there to be written to.
    fn is_idle(&mut self, context: &mut Context<'_>) -> bool {
        self.dry && !self.full && self.socket.poll_readable(context).is_pending()
    }
}

impl<S: Socket> io::Read for Bridge<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.socket.poll_read(&mut Context::from_waker(&self.waker), buffer);
        self.heard |= matches!(read, Poll::Ready(Ok(1..)));
        self.dry = read.is_pending();
        or_would_block(read)
    }
}

impl<S: Socket> io::Write for Bridge<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.socket.poll_write(&mut Context::from_waker(&self.waker), bytes);
        self.full = written.is_pending();
        or_would_block(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.socket.poll_flush(&mut Context::from_waker(&self.waker));
        self.full = flushed.is_pending();
        or_would_block(flushed)
    }
}

/// What the library says, as a poll.
fn pending<T>(result: Result<T, Error>) -> Poll<Result<T, Error>> {
    match result {
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// Buffers are a decision: the library's default of 128 KiB for reading is memory that every idle connection holds.
fn config(receive_limit: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(receive_limit))
        .max_frame_size(Some(receive_limit))
}

/// Asks a router for an upgrade; gives its answer, and the socket from the first frame on.
pub(super) async fn request<S: Socket>(
    socket: S,
    request: Request,
) -> Result<(Prefixed<S>, Response), Error> {
    let bridge = Bridge::new(Prefixed::with_answer(socket));
    let mut step = Some(ClientHandshake::start(bridge, request, None)?);
    poll_fn(|context| {
        // It is put back whenever it has to wait.
        let Some(mut handshake) = step.take() else { return Poll::Pending };
        handshake.get_mut().get_mut().wakes(context);
        match handshake.handshake() {
            Ok((socket, response)) => Poll::Ready(Ok((socket.into_inner().socket, response))),
            Err(HandshakeError::Interrupted(handshake)) => {
                step = Some(handshake);
                Poll::Pending
            }
            Err(HandshakeError::Failure(error)) => Poll::Ready(Err(error)),
        }
    })
    .await
}

/// A WebSocket whose handshake is done.
pub(super) struct WebSocket<S: Socket> {
    inner: tungstenite::WebSocket<Bridge<S>>,
    text: bool,
    /// Splits and makes batches, where they are spoken.
    batching: Option<Box<Batching>>,
    /// The library's buffer for writing waits for the socket.
    blocked: bool,
    /// Nothing is to be read any more.
    ended: bool,
    closing: bool,
    /// The peer was told that it is at fault, and may not have read it yet.
    refused: bool,
    /// The last answer to a ping.
    pong: Option<Bytes>,
    /// Pings that came in a row, without data and without a pause.
    pings: usize,
}

/// Pings that may come in a row: more, without data and without a pause, are a flood (fault 7).
const PING_BUDGET: usize = 32;

impl<S: Socket> WebSocket<S> {
    pub(super) fn new(socket: S, role: Role, subprotocol: Subprotocol, receive_limit: usize) -> Self {
        let Subprotocol { encoding, batched, .. } = subprotocol;
        let batching = batched.then(|| Box::new(Batching::new(encoding, receive_limit)));
        let limit = batching.as_ref().map_or(receive_limit, |batching| batching.batch_limit());
        Self {
            inner: tungstenite::WebSocket::from_raw_socket(Bridge::new(socket), role, Some(config(limit))),
            text: encoding.is_text(),
            batching,
            blocked: false,
            ended: false,
            closing: false,
            refused: false,
            pong: None,
            pings: 0,
        }
    }

    /// Hands a message to the library, which keeps what the socket does not take.
    fn send(&mut self, message: Message) -> Result<(), Error> {
        let sent = pending(self.inner.write(message));
        self.blocked = sent.is_pending();
        match sent {
            Poll::Ready(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn flush(&mut self, context: &Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.get_mut().wakes(context);
        let flushed = ready!(pending(self.inner.flush()));
        self.blocked = false;
        Poll::Ready(match flushed {
            // All is written, and the peer is gone.
            Err(Error::ConnectionClosed) => Ok(()),
            flushed => flushed,
        })
    }

    /// The peer broke the rules of WebSocket: tells it which, if it listens.
    fn refuse(&mut self, code: CloseCode, why: String) -> String {
        let reason = Utf8Bytes::from(why.chars().take(100).collect::<String>());
        tracing::warn!(why, code = u16::from(code), "closing a WebSocket: the peer broke its rules");
        // The connection is over either way.
        let _ = self.send(Message::Close(Some(CloseFrame { code, reason })));
        (self.closing, self.refused) = (true, true);
        why
    }

    fn failed(&mut self, error: Error) -> String {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed => String::new(),
            Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => String::new(),
            Error::Io(error) => error.to_string(),
            Error::Protocol(
                ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
            ) => String::new(),
            Error::Capacity(error) => self.refuse(CloseCode::Size, error.to_string()),
            // What the library says is the text itself, as far as it can be read.
            Error::Utf8(_) => self.refuse(CloseCode::Invalid, "invalid UTF-8".to_owned()),
            error => self.refuse(CloseCode::Protocol, error.to_string()),
        }
    }

    /// The next message of the batch that came last.
    fn batched(&mut self) -> Option<Result<Bytes, String>> {
        let message = self.batching.as_mut()?.poll_message()?;
        Some(message.map_err(|error| {
            let too_long = matches!(error, BatchError::TooLong { .. });
            let code = if too_long { CloseCode::Size } else { CloseCode::Protocol };
            self.refuse(code, error.to_string())
        }))
    }

    /// The message of the protocol that a frame holds, the first one of a batch; `None` when it holds none.
    fn message(&mut self, frame: Message) -> Option<Result<Bytes, String>> {
        let bytes = match self.payload(frame)? {
            Ok(bytes) => bytes,
            Err(why) => return Some(Err(why)),
        };
        match &mut self.batching {
            Some(batching) => {
                batching.handle_batch(bytes);
                self.batched()
            }
            None => Some(Ok(bytes)),
        }
    }

    /// The bytes in a frame of the right type; `None` when it is none of data.
    fn payload(&mut self, message: Message) -> Option<Result<Bytes, String>> {
        let (came, serializer) = match message {
            Message::Text(text) if self.text => return Some(Ok(text.into())),
            Message::Binary(bytes) if !self.text => return Some(Ok(bytes)),
            Message::Text(_) | Message::Binary(_) if self.closing => return None,
            Message::Text(_) => ("a text", "binary"),
            Message::Binary(_) => ("a binary", "text"),
            // The library answers pings and close frames; they go out with the next flush.
            Message::Ping(_) if self.pings >= PING_BUDGET => {
                return Some(Err(self.refuse(CloseCode::Policy, "too many pings".to_owned())));
            }
            Message::Ping(_) => {
                self.pings += 1;
                return None;
            }
            Message::Pong(payload) => {
                self.pong = Some(payload);
                return None;
            }
            Message::Close(Some(frame)) => return closed_for(&frame).map(Err),
            Message::Close(None) | Message::Frame(_) => return None,
        };
        let why = format!("{came} message came, this serializer is {serializer}");
        Some(Err(self.refuse(CloseCode::Unsupported, why)))
    }
}

/// Why the peer has closed, unless it is the usual end: a message that is too long for it (1009), say.
fn closed_for(frame: &CloseFrame) -> Option<String> {
    if frame.code == CloseCode::Normal {
        return None;
    }
    let reason: String = frame.reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let colon = if reason.is_empty() { "" } else { ": " };
    Some(format!("the peer closed the WebSocket with code {}{colon}{reason}", frame.code))
}

impl<S: Socket> Transport for WebSocket<S> {
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, String>> {
        if let Some(message) = self.batched() {
            return Poll::Ready(message);
        }
        self.inner.get_mut().wakes(context);
        // Where the end has begun, the library has to be asked how far it is.
        if !self.ended && self.inner.can_write() && self.inner.get_mut().is_idle(context) {
            self.pings = 0;
            return Poll::Pending;
        }
        while !self.ended {
            match pending(self.inner.read()) {
                Poll::Pending => {
                    self.pings = 0;
                    return Poll::Pending;
                }
                Poll::Ready(Ok(frame)) => {
                    if let Some(message) = self.message(frame) {
                        self.pings = 0;
                        return Poll::Ready(message);
                    }
                }
                Poll::Ready(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(self.failed(error)));
                }
            }
        }
        Poll::Ready(Err(String::new()))
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        frames: &mut VecDeque<Bytes>,
    ) -> Poll<Result<(), String>> {
        self.inner.get_mut().wakes(context);
        while !frames.is_empty() {
            if self.blocked {
                if let Err(error) = ready!(self.flush(context)) {
                    return Poll::Ready(Err(self.failed(error)));
                }
            }
            let next = match &self.batching {
                Some(batching) => batching.join(frames),
                None => frames.pop_front(),
            };
            let Some(frame) = next else { break };
            // What the core has encoded is text wherever it has to be, and is not looked through again.
            let kind = if self.text { Data::Text } else { Data::Binary };
            let frame = Frame::message(frame, OpCode::Data(kind), true);
            if let Err(error) = self.send(Message::Frame(frame)) {
                return Poll::Ready(Err(self.failed(error)));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        match ready!(self.flush(context)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(self.failed(error))),
        }
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.inner.get_mut().wakes(context);
        if !self.closing {
            self.closing = true;
            // Fails when the peer has closed already.
            let _ = self.send(Message::Close(None));
        }
        let _ = ready!(self.flush(context));
        Poll::Ready(())
    }

    /// TLS has an end of its own, which is not to be missing.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.inner.get_mut().socket.poll_close(context).map(drop)
    }

    fn ping(&mut self, payload: &[u8]) {
        // Fails when the end has come, which the next read shows.
        let _ = self.send(Message::Ping(Bytes::copy_from_slice(payload)));
    }

    fn take_signs(&mut self) -> Signs {
        Signs { heard: std::mem::take(&mut self.inner.get_mut().heard), pong: self.pong.take() }
    }

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.refused {
            return Poll::Ready(());
        }
        let socket = &mut self.inner.get_mut().socket;
        let _ = ready!(socket.poll_close(context));
        ready!(poll_discard(socket, context));
        self.refused = false;
        Poll::Ready(())
    }
}
