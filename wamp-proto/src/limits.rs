//! Bounds on what a peer may make us hold or scan.

/// Limits on one message, the same for every serializer.
///
/// One nesting limit for all of them is what keeps a publisher on one serializer from sending what a subscriber on
/// another cannot decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest serialized message in bytes. Default 1 MiB, never above [`Limits::MAX_MESSAGE_SIZE`].
    pub message_size: usize,
    /// Deepest nesting of lists and dicts, the message's own list included. Default 64, never above
    /// [`Limits::MAX_DEPTH`].
    pub depth: usize,
    /// Most values in one message, keys not counted. Default 100,000.
    pub values: usize,
    /// Most keys in one dict. Default 1,000.
    pub keys: usize,
    /// Longest URI in bytes. Default 1,024.
    pub uri_length: usize,
    /// Most components of a URI at the router, so that a pattern is no deeper (fault 59). Default 32.
    pub uri_components: usize,
}

impl Limits {
    /// 16 MiB: the largest message that RawSocket can frame (W-62).
    pub const MAX_MESSAGE_SIZE: usize = 1 << 24;

    /// The nesting that every decoder here can follow without recursion trouble.
    pub const MAX_DEPTH: usize = 64;

    /// No bounds but those of frames and of nesting: for messages of our own, and for tools that look at those of others.
    pub const fn loosest() -> Self {
        Self {
            message_size: Self::MAX_MESSAGE_SIZE,
            depth: Self::MAX_DEPTH,
            values: usize::MAX,
            keys: usize::MAX,
            uri_length: usize::MAX,
            uri_components: usize::MAX,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 1 << 20,
            depth: Self::MAX_DEPTH,
            values: 100_000,
            keys: 1_000,
            uri_length: 1_024,
            uri_components: 32,
        }
    }
}
