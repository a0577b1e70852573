//! What a WebSocket carries: the sub-protocols that are negotiated in its opening handshake (W-05..W-07, W-40), and
//! batches of messages (W-50..W-57).

mod batch;

use crate::{Encoding, uri::shortened};

pub use batch::{BatchError, Batching};

/// A sub-protocol: the serializer of the messages, and whether a WebSocket message holds one of them or a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Subprotocol {
    /// The serializer.
    pub encoding: Encoding,
    /// Whether messages travel in batches (W-50).
    pub batched: bool,
}

impl Subprotocol {
    /// All of them, those without batches first.
    pub const ALL: [Self; 6] = [
        Self::plain(Encoding::Json),
        Self::plain(Encoding::MessagePack),
        Self::plain(Encoding::Cbor),
        Self::batched(Encoding::Json),
        Self::batched(Encoding::MessagePack),
        Self::batched(Encoding::Cbor),
    ];

    /// One message in each WebSocket message (W-41).
    pub const fn plain(encoding: Encoding) -> Self {
        Self { encoding, batched: false }
    }

    /// Batches of messages (W-50).
    pub const fn batched(encoding: Encoding) -> Self {
        Self { encoding, batched: true }
    }

    /// Its name, such as `wamp.2.json` or `wamp.2.json.batched`.
    pub const fn name(self) -> &'static str {
        match (self.encoding, self.batched) {
            (Encoding::Json, false) => "wamp.2.json",
            (Encoding::MessagePack, false) => "wamp.2.msgpack",
            (Encoding::Cbor, false) => "wamp.2.cbor",
            (Encoding::Json, true) => "wamp.2.json.batched",
            (Encoding::MessagePack, true) => "wamp.2.msgpack.batched",
            (Encoding::Cbor, true) => "wamp.2.cbor.batched",
        }
    }

    /// The sub-protocol of this name; names are compared with regard to case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// Client: the value of `Sec-WebSocket-Protocol` that offers these sub-protocols, the first one preferred.
///
/// ```
/// use wamp_proto::{Encoding, transport::websocket::{self, Subprotocol}};
///
/// let value = websocket::offer(&[Subprotocol::batched(Encoding::Cbor), Subprotocol::plain(Encoding::Cbor)]);
/// assert_eq!(value, "wamp.2.cbor.batched, wamp.2.cbor");
/// ```
pub fn offer(subprotocols: &[Subprotocol]) -> String {
    subprotocols.iter().map(|subprotocol| subprotocol.name()).collect::<Vec<_>>().join(", ")
}

/// Server: the sub-protocol to use, the first of the client's list that is among `allowed`.
///
/// `None` means that the server must refuse the handshake (W-43). A client may spread the list over several headers of
/// the name; their values joined with commas are the list.
///
/// ```
/// use wamp_proto::{Encoding, transport::websocket::{self, Subprotocol}};
///
/// let chosen = websocket::select("mqtt, wamp.2.cbor,wamp.2.json", &Subprotocol::ALL);
/// assert_eq!(chosen, Some(Subprotocol::plain(Encoding::Cbor)));
/// ```
pub fn select(header_value: &str, allowed: &[Subprotocol]) -> Option<Subprotocol> {
    let names = header_value.split(',').map(str::trim);
    names.filter_map(Subprotocol::from_name).find(|subprotocol| allowed.contains(subprotocol))
}

/// Client: the sub-protocol that the server has chosen among those `offered`.
///
/// # Errors
///
/// [`SubprotocolError`] when the server has chosen none of them; the client must fail the connection.
pub fn accept(answer: Option<&str>, offered: &[Subprotocol]) -> Result<Subprotocol, SubprotocolError> {
    let name = answer.map(str::trim).filter(|name| !name.is_empty()).ok_or(SubprotocolError::Missing)?;
    let subprotocol =
        Subprotocol::from_name(name).ok_or_else(|| SubprotocolError::Unknown { name: shortened(name) })?;
    if offered.contains(&subprotocol) {
        Ok(subprotocol)
    } else {
        Err(SubprotocolError::NotOffered { subprotocol })
    }
}

/// The server of a WebSocket chose no sub-protocol that the client can speak.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubprotocolError {
    /// It chose none.
    #[error(
        "the server chose no WebSocket sub-protocol: it supports none of the serializers offered, or the address is \
         not that of a WAMP router"
    )]
    Missing,
    /// It chose one that this crate does not know.
    #[error("the server chose the unknown WebSocket sub-protocol {name:?}, which was not offered")]
    Unknown {
        /// The name, shortened to 100 characters.
        name: String,
    },
    /// It chose one that was not offered.
    #[error("the server chose the WebSocket sub-protocol {:?}, which was not offered", subprotocol.name())]
    NotOffered {
        /// The one it chose.
        subprotocol: Subprotocol,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Cbor, Json, MessagePack};

    const PLAIN: [Subprotocol; 3] =
        [Subprotocol::plain(Json), Subprotocol::plain(MessagePack), Subprotocol::plain(Cbor)];

    #[test]
    fn w_05_to_w_07_w_50_names() {
        for (encoding, name) in
            [(Json, "wamp.2.json"), (MessagePack, "wamp.2.msgpack"), (Cbor, "wamp.2.cbor")]
        {
            let batched = format!("{name}.batched");
            assert_eq!(Subprotocol::plain(encoding).name(), name);
            assert_eq!(Subprotocol::batched(encoding).name(), batched);
            assert_eq!(Subprotocol::from_name(name), Some(Subprotocol::plain(encoding)));
            assert_eq!(Subprotocol::from_name(&batched), Some(Subprotocol::batched(encoding)));
            assert_eq!(Subprotocol::from_name(&name.to_uppercase()), None);
        }
        assert_eq!(Subprotocol::from_name("wamp.2.ubjson.batched"), None);
    }

    #[test]
    fn w_40_the_server_takes_the_clients_first_allowed() {
        let plain = |encoding| Some(Subprotocol::plain(encoding));
        for (header, allowed, chosen) in [
            ("wamp.2.json", &PLAIN[..], plain(Json)),
            ("wamp.2.cbor, wamp.2.json", &PLAIN, plain(Cbor)),
            ("wamp.2.cbor, wamp.2.json", &PLAIN[..2], plain(Json)),
            (" wamp.2.cbor\t,wamp.2.json ", &PLAIN, plain(Cbor)),
            ("mqtt,,wamp.2.msgpack.batched, wamp.2.msgpack", &PLAIN, plain(MessagePack)),
            ("wamp.2.cbor.batched, wamp.2.cbor", &Subprotocol::ALL, Some(Subprotocol::batched(Cbor))),
            ("wamp.2.cbor, wamp.2.cbor.batched", &Subprotocol::ALL, plain(Cbor)),
            ("wamp.2.cbor", &PLAIN[..1], None),
            ("wamp.2.json wamp.2.cbor", &PLAIN, None),
            ("wamp", &PLAIN, None),
            ("", &PLAIN, None),
            ("wamp.2.json", &[], None),
        ] {
            assert_eq!(select(header, allowed), chosen, "{header:?} {allowed:?}");
        }
    }

    #[test]
    fn fault_13_the_client_checks_the_servers_choice() {
        let unknown = |name: &str| Err(SubprotocolError::Unknown { name: name.to_owned() });
        let not_offered = |subprotocol| Err(SubprotocolError::NotOffered { subprotocol });
        let offered = [Subprotocol::plain(Json), Subprotocol::batched(Cbor)];
        for (answer, result) in [
            (Some("wamp.2.json"), Ok(offered[0])),
            (Some(" wamp.2.cbor.batched "), Ok(offered[1])),
            (None, Err(SubprotocolError::Missing)),
            (Some(""), Err(SubprotocolError::Missing)),
            (Some("mqtt"), unknown("mqtt")),
            (Some("wamp.2.json, wamp.2.cbor"), unknown("wamp.2.json, wamp.2.cbor")),
            (Some("wamp.2.json.batched"), not_offered(Subprotocol::batched(Json))),
            (Some("wamp.2.cbor"), not_offered(Subprotocol::plain(Cbor))),
            (Some("wamp.2.msgpack"), not_offered(Subprotocol::plain(MessagePack))),
        ] {
            assert_eq!(accept(answer, &offered), result, "{answer:?}");
        }
        assert_eq!(
            SubprotocolError::NotOffered { subprotocol: Subprotocol::plain(Cbor) }.to_string(),
            "the server chose the WebSocket sub-protocol \"wamp.2.cbor\", which was not offered"
        );
    }

    #[test]
    fn what_a_client_offers_a_server_selects() {
        for first in Subprotocol::ALL {
            let offered = [first, PLAIN[0], PLAIN[1]];
            assert_eq!(select(&offer(&offered), &Subprotocol::ALL), Some(first));
        }
    }
}
