//! Transports as pure codecs: what the peers of a WebSocket or a RawSocket agree on, and how they frame messages.

pub mod heartbeat;
pub mod rawsocket;
pub mod websocket;
