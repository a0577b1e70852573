//! The names under which the serializers are negotiated in the opening handshake of a WebSocket (W-05..W-07, W-40).
//!
//! The batched forms (W-50) are not offered, and unknown names of the peer are passed over.

use crate::{Encoding, uri::shortened};

/// The sub-protocol of a serializer, such as `wamp.2.json` (W-05..W-07).
pub const fn subprotocol(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Json => "wamp.2.json",
        Encoding::MessagePack => "wamp.2.msgpack",
        Encoding::Cbor => "wamp.2.cbor",
    }
}

/// The serializer that a sub-protocol names; names are compared with regard to case.
pub fn from_subprotocol(name: &str) -> Option<Encoding> {
    Encoding::ALL.into_iter().find(|&encoding| subprotocol(encoding) == name)
}

/// Client: the value of `Sec-WebSocket-Protocol` that offers these serializers, the first one preferred.
///
/// ```
/// use wamp_proto::{Encoding, transport::websocket};
///
/// let value = websocket::offer(&[Encoding::Cbor, Encoding::Json]);
/// assert_eq!(value, "wamp.2.cbor, wamp.2.json");
/// ```
pub fn offer(encodings: &[Encoding]) -> String {
    encodings.iter().map(|&encoding| subprotocol(encoding)).collect::<Vec<_>>().join(", ")
}

/// Server: the serializer to use, the first of the client's list that is among `allowed`.
///
/// `None` means that the server must refuse the handshake (W-43). A client may spread the list over several headers of
/// the name; their values joined with commas are the list.
///
/// ```
/// use wamp_proto::{Encoding, transport::websocket};
///
/// let chosen = websocket::select("mqtt, wamp.2.cbor,wamp.2.json", &Encoding::ALL);
/// assert_eq!(chosen, Some(Encoding::Cbor));
/// ```
pub fn select(header_value: &str, allowed: &[Encoding]) -> Option<Encoding> {
    let names = header_value.split(',').map(str::trim);
    names.filter_map(from_subprotocol).find(|encoding| allowed.contains(encoding))
}

/// Client: the serializer that the server has chosen among those `offered`.
///
/// # Errors
///
/// [`SubprotocolError`] when the server has chosen none of them; the client must fail the connection.
pub fn accept(answer: Option<&str>, offered: &[Encoding]) -> Result<Encoding, SubprotocolError> {
    let name = answer.map(str::trim).filter(|name| !name.is_empty()).ok_or(SubprotocolError::Missing)?;
    let encoding =
        from_subprotocol(name).ok_or_else(|| SubprotocolError::Unknown { name: shortened(name) })?;
    if offered.contains(&encoding) { Ok(encoding) } else { Err(SubprotocolError::NotOffered { encoding }) }
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
    /// It chose one that is not a serializer of this crate.
    #[error("the server chose the unknown WebSocket sub-protocol {name:?}, which was not offered")]
    Unknown {
        /// The name, shortened to 100 characters.
        name: String,
    },
    /// It chose a serializer that was not offered.
    #[error("the server chose the WebSocket sub-protocol {:?}, which was not offered", subprotocol(*.encoding))]
    NotOffered {
        /// The serializer.
        encoding: Encoding,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Cbor, Json, MessagePack};

    #[test]
    fn w_05_to_w_07_names() {
        for (encoding, name) in
            [(Json, "wamp.2.json"), (MessagePack, "wamp.2.msgpack"), (Cbor, "wamp.2.cbor")]
        {
            assert_eq!(subprotocol(encoding), name);
            assert_eq!(from_subprotocol(name), Some(encoding));
            assert_eq!(from_subprotocol(&name.to_uppercase()), None);
        }
        assert_eq!(from_subprotocol("wamp.2.json.batched"), None);
    }

    #[test]
    fn w_40_the_server_takes_the_clients_first_allowed() {
        for (header, allowed, chosen) in [
            ("wamp.2.json", &Encoding::ALL[..], Some(Json)),
            ("wamp.2.cbor, wamp.2.json", &Encoding::ALL, Some(Cbor)),
            ("wamp.2.cbor, wamp.2.json", &[Json, MessagePack], Some(Json)),
            (" wamp.2.cbor\t,wamp.2.json ", &[Json, Cbor], Some(Cbor)),
            ("mqtt,,wamp.2.msgpack.batched, wamp.2.msgpack", &Encoding::ALL, Some(MessagePack)),
            ("wamp.2.cbor", &[Json], None),
            ("wamp.2.json wamp.2.cbor", &Encoding::ALL, None),
            ("wamp", &Encoding::ALL, None),
            ("", &Encoding::ALL, None),
            ("wamp.2.json", &[], None),
        ] {
            assert_eq!(select(header, allowed), chosen, "{header:?} {allowed:?}");
        }
    }

    #[test]
    fn fault_13_the_client_checks_the_servers_choice() {
        let unknown = |name: &str| Err(SubprotocolError::Unknown { name: name.to_owned() });
        for (answer, result) in [
            (Some("wamp.2.json"), Ok(Json)),
            (Some(" wamp.2.cbor "), Ok(Cbor)),
            (None, Err(SubprotocolError::Missing)),
            (Some(""), Err(SubprotocolError::Missing)),
            (Some("mqtt"), unknown("mqtt")),
            (Some("wamp.2.json, wamp.2.cbor"), unknown("wamp.2.json, wamp.2.cbor")),
            (Some("wamp.2.json.batched"), unknown("wamp.2.json.batched")),
            (Some("wamp.2.msgpack"), Err(SubprotocolError::NotOffered { encoding: MessagePack })),
        ] {
            assert_eq!(accept(answer, &[Json, Cbor]), result, "{answer:?}");
        }
        assert_eq!(
            SubprotocolError::NotOffered { encoding: Cbor }.to_string(),
            "the server chose the WebSocket sub-protocol \"wamp.2.cbor\", which was not offered"
        );
    }

    #[test]
    fn what_a_client_offers_a_server_selects() {
        for first in Encoding::ALL {
            let offered = [first, Json, MessagePack];
            assert_eq!(select(&offer(&offered), &Encoding::ALL), Some(first));
        }
    }
}
