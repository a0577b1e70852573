//! The application payload of a message.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError, Deserializer, EncodeError, Encoding, Kind, Reader, Token, Writer};
use crate::{Dict, Value};

/// The application payload of a message: positional and keyword arguments, as serialized bytes (M-09).
///
/// Who only forwards a payload never decodes it: to peers of the same serializer go the same bytes (M-19), to others
/// they are transcoded (W-03). Clones share the bytes.
///
/// ```
/// use wamp_proto::{Encoding, Payload};
///
/// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
/// struct Options {
///     unit: String,
/// }
///
/// let kwargs = Options { unit: "m".to_owned() };
/// let payload = Payload::new(Encoding::Json, &(23, 7), &kwargs)?;
/// assert_eq!(&payload.raw()[..], br#"[23,7],{"unit":"m"}"#);
///
/// let packed = payload.transcode(Encoding::MessagePack)?;
/// assert_eq!(packed.args::<(i32, i32)>()?, (23, 7));
/// assert_eq!(packed.kwargs::<Options>()?, kwargs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Payload {
    encoding: Encoding,
    shape: Shape,
    /// The arguments, then the keyword arguments; in JSON with a comma between them.
    raw: Bytes,
}

/// Where the parts are in the bytes.
#[derive(Clone, Copy)]
enum Shape {
    /// No bytes.
    None,
    /// All bytes are the arguments.
    Args,
    /// Arguments up to `args_end`, keyword arguments from `kwargs_start`.
    /// A payload has at most as many bytes as a message: these are kept small because payloads are moved a lot.
    ArgsKwargs { args_end: u32, kwargs_start: u32 },
}

impl Payload {
    /// No arguments at all.
    pub const fn empty() -> Self {
        Self { encoding: Encoding::Json, shape: Shape::None, raw: Bytes::new() }
    }

    /// Serializes positional arguments (a list, a tuple, or `()` for none) and keyword arguments (a struct, a map, or
    /// `()` for none).
    ///
    /// Empty ones are left out (M-10), except for an empty list in front of keyword arguments (M-12).
    ///
    /// # Errors
    ///
    /// [`EncodeError::NotAList`], [`EncodeError::NotADict`], or as [`codec::to_vec`].
    pub fn new<A, K>(encoding: Encoding, args: &A, kwargs: &K) -> Result<Self, EncodeError>
    where
        A: Serialize + ?Sized,
        K: Serialize + ?Sized,
    {
        let args = part(encoding, args, Kind::List, EncodeError::NotAList)?;
        let kwargs = part(encoding, kwargs, Kind::Dict, EncodeError::NotADict)?;
        Ok(match (args, kwargs) {
            (None, None) => Self::empty(),
            (Some(args), None) => Self { encoding, shape: Shape::Args, raw: args.into() },
            (None, Some(kwargs)) => Self::joined(encoding, empty_list(encoding).to_vec(), &kwargs),
            (Some(args), Some(kwargs)) => Self::joined(encoding, args, &kwargs),
        })
    }

    /// Serializes positional arguments: a list, a tuple, or `()` for none.
    ///
    /// ```
    /// use wamp_proto::{Encoding, Payload};
    ///
    /// let payload = Payload::from_args(Encoding::Json, &["one"])?;
    /// assert_eq!(payload.value::<String>()?, "one");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EncodeError::NotAList`], or as [`codec::to_vec`].
    pub fn from_args<A: Serialize + ?Sized>(encoding: Encoding, args: &A) -> Result<Self, EncodeError> {
        Self::new(encoding, args, &())
    }

    /// Serializes keyword arguments: a struct, a map, or `()` for none.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NotADict`], or as [`codec::to_vec`].
    pub fn from_kwargs<K: Serialize + ?Sized>(encoding: Encoding, kwargs: &K) -> Result<Self, EncodeError> {
        Self::new(encoding, &(), kwargs)
    }

    /// The payload of a validated message, which the result shares the memory of: `args` and `kwargs` are the places of
    /// these elements in `frame`.
    ///
    /// Nothing is normalized: an empty list that a peer sent (M-11) stays. Places that are not in `frame` in this order
    /// make an empty payload.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use wamp_proto::{Encoding, Payload};
    ///
    /// let frame = Bytes::from_static(br#"[36,1,2,{},["x"],{"n":1}]"#);
    /// let payload = Payload::from_frame(Encoding::Json, &frame, Some(11..16), Some(17..24));
    /// assert_eq!(payload.args::<(&str,)>()?, ("x",));
    /// assert_eq!(payload.dict()?.get("n").and_then(|n| n.as_u64()), Some(1));
    /// # Ok::<(), wamp_proto::DecodeError>(())
    /// ```
    pub fn from_frame(
        encoding: Encoding,
        frame: &Bytes,
        args: Option<Range<usize>>,
        kwargs: Option<Range<usize>>,
    ) -> Self {
        let (span, shape) = match (args, kwargs) {
            (None, None) => return Self::empty(),
            (Some(args), None) => (args, Shape::Args),
            (None, Some(kwargs)) => {
                let kwargs = frame.get(kwargs).unwrap_or(empty_dict(encoding));
                return Self::joined(encoding, empty_list(encoding).to_vec(), kwargs);
            }
            (Some(args), Some(kwargs)) => {
                let offset = |at: usize| short(at.saturating_sub(args.start));
                let shape =
                    Shape::ArgsKwargs { args_end: offset(args.end), kwargs_start: offset(kwargs.start) };
                (args.start..kwargs.end, shape)
            }
        };
        match frame.get(span) {
            Some(raw) => Self { encoding, shape, raw: frame.slice_ref(raw) },
            None => Self::empty(),
        }
    }

    /// These positional arguments with the keyword arguments of `other`, in the encoding of this payload.
    ///
    /// # Errors
    ///
    /// When `other` cannot be transcoded.
    pub fn with_kwargs_of(&self, other: &Self) -> Result<Self, DecodeError> {
        let other = other.transcode(self.encoding)?;
        Ok(match (self.args_raw(), other.kwargs_raw()) {
            (_, None) => self.clone(),
            (None, Some(_)) => other,
            (Some(args), Some(kwargs)) => Self::joined(self.encoding, args.to_vec(), kwargs),
        })
    }

    /// The serializer of the bytes.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether there are neither positional nor keyword arguments, be they absent or empty (M-11).
    pub fn is_empty(&self) -> bool {
        self.is_empty_part(self.args_raw()) && self.is_empty_part(self.kwargs_raw())
    }

    /// How many elements of a message it fills: 0, 1 or 2.
    pub fn elements(&self) -> usize {
        match self.shape {
            Shape::None => 0,
            Shape::Args => 1,
            Shape::ArgsKwargs { .. } => 2,
        }
    }

    /// The bytes to put behind a header of the same encoding, as [`Writer::raw`] takes them.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The serialized positional arguments.
    pub fn args_raw(&self) -> Option<&[u8]> {
        match self.shape {
            Shape::None => None,
            Shape::Args => Some(&self.raw),
            Shape::ArgsKwargs { args_end, .. } => self.raw.get(..args_end as usize),
        }
    }

    /// The serialized keyword arguments.
    pub fn kwargs_raw(&self) -> Option<&[u8]> {
        match self.shape {
            Shape::None | Shape::Args => None,
            Shape::ArgsKwargs { kwargs_start, .. } => self.raw.get(kwargs_start as usize..),
        }
    }

    /// The number of serialized bytes.
    pub fn size(&self) -> usize {
        self.raw.len()
    }

    /// The positional arguments as a `T`: a tuple, a `Vec`, a struct by position. Absent ones read as an empty list.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when they are no `T`.
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        codec::from_slice(self.encoding, self.args_raw().unwrap_or(empty_list(self.encoding)))
    }

    /// The keyword arguments as a `T`: a struct or a map. Absent ones read as an empty dict.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when they are no `T`.
    pub fn kwargs<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        codec::from_slice(self.encoding, self.kwargs_raw().unwrap_or(empty_dict(self.encoding)))
    }

    /// The payload as one value, the way a procedure's result is read:
    ///
    /// * no arguments at all: `T` from null, so that `()` and `Option` work;
    /// * exactly one positional argument: that argument;
    /// * several positional arguments: the list of them, for a tuple or a `Vec`;
    /// * keyword arguments only: the dict of them, for a struct or a map.
    ///
    /// Empty arguments count as absent (M-11).
    ///
    /// ```
    /// use wamp_proto::{Encoding, Payload};
    ///
    /// assert_eq!(Payload::from_args(Encoding::Cbor, &(23,))?.value::<i32>()?, 23);
    /// assert_eq!(Payload::from_args(Encoding::Cbor, &(23, "m"))?.value::<(i32, &str)>()?, (23, "m"));
    /// assert_eq!(Payload::empty().value::<Option<i32>>()?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError::Type`] when there are both positional and keyword arguments, any [`DecodeError`] when the value is
    /// no `T`.
    pub fn value<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        match (self.count_args()?, self.is_empty_part(self.kwargs_raw())) {
            (Count::None, true) => codec::from_slice(self.encoding, null(self.encoding)),
            (Count::None, false) => self.kwargs(),
            (Count::One, true) => self.only_arg(),
            (Count::Several, true) => self.args(),
            (Count::One | Count::Several, false) => Err(DecodeError::Type {
                expected: "either positional or keyword arguments for one value",
                found: "both",
            }),
        }
    }

    /// The positional arguments as values.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are not a list.
    pub fn list(&self) -> Result<Vec<Value>, DecodeError> {
        self.args()
    }

    /// The keyword arguments as values.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are not a dict.
    pub fn dict(&self) -> Result<Dict, DecodeError> {
        self.kwargs()
    }

    /// The same payload for another serializer (W-03); a clone if it is the same.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are malformed or have no counterpart in the other serializer (W-04).
    pub fn transcode(&self, to: Encoding) -> Result<Self, DecodeError> {
        if to == self.encoding {
            return Ok(self.clone());
        }
        let Some(args) = self.args_raw() else { return Ok(Self::empty()) };
        let args = codec::transcode(self.encoding, args, to)?;
        let Some(kwargs) = self.kwargs_raw() else {
            return Ok(Self { encoding: to, shape: Shape::Args, raw: args.into() });
        };
        Ok(Self::joined(to, args, &codec::transcode(self.encoding, kwargs, to)?))
    }

    /// Appends the arguments to the open list of `writer`, transcoded if it has another encoding.
    ///
    /// # Errors
    ///
    /// As [`transcode`](Self::transcode); nothing is written then.
    pub fn write(&self, writer: &mut Writer) -> Result<(), DecodeError> {
        if writer.encoding() == self.encoding {
            writer.raw(&self.raw, self.elements());
        } else {
            let other = self.transcode(writer.encoding())?;
            writer.raw(&other.raw, other.elements());
        }
        Ok(())
    }

    /// The payload as payload passthru mode carries it (E-09, E-10): one binary in `carrier`, in which `serializer` has
    /// the arguments.
    ///
    /// ```
    /// use wamp_proto::{Encoding, Payload};
    ///
    /// let payload = Payload::from_args(Encoding::Json, &("secret",))?;
    /// let wrapped = payload.wrap(Encoding::Cbor, Encoding::Json)?;
    /// assert_eq!(wrapped.unwrap_from(Encoding::Cbor)?.args::<(String,)>()?, ("secret".to_owned(),));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the arguments cannot be transcoded.
    pub fn wrap(&self, serializer: Encoding, carrier: Encoding) -> Result<Self, EncodeError> {
        Ok(Self::from_binary(carrier, &self.pack(serializer)?))
    }

    /// The arguments as one dict of `args` and `kwargs` in `serializer`: what is encrypted in payload passthru mode (E-10).
    ///
    /// # Errors
    ///
    /// When the arguments cannot be transcoded.
    pub fn pack(&self, serializer: Encoding) -> Result<Vec<u8>, EncodeError> {
        let payload = self.transcode(serializer)?;
        let mut writer = Writer::new(serializer);
        writer.dict(Some(2));
        writer.key("args");
        writer.raw(payload.args_raw().unwrap_or(empty_list(serializer)), 1);
        writer.key("kwargs");
        writer.raw(payload.kwargs_raw().unwrap_or(empty_dict(serializer)), 1);
        writer.end();
        Ok(writer.finish())
    }

    /// A payload of one binary, as payload passthru mode carries it (E-09).
    pub fn from_binary(encoding: Encoding, bytes: &[u8]) -> Self {
        let mut writer = Writer::new(encoding);
        writer.list(Some(1));
        writer.bytes(bytes);
        writer.end();
        Self { encoding, shape: Shape::Args, raw: writer.finish().into() }
    }

    /// What a payload of payload passthru mode has in it, when `serializer` wrapped it.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when it is not one binary with a dict of `args` and `kwargs` in it.
    pub fn unwrap_from(&self, serializer: Encoding) -> Result<Self, DecodeError> {
        Self::unpack(serializer, &self.binary()?)
    }

    /// The one binary that a payload of payload passthru mode is (E-09).
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when it is something else.
    pub fn binary(&self) -> Result<Vec<u8>, DecodeError> {
        let wrong = DecodeError::Type { expected: "one binary", found: "something else" };
        match (&mut *self.list()?, self.is_empty_part(self.kwargs_raw())) {
            ([Value::Bytes(bytes)], true) => Ok(core::mem::take(bytes)),
            _ => Err(wrong),
        }
    }

    /// The arguments in a dict of `args` and `kwargs` in `serializer` (E-10), which comes from far away: it is checked as a
    /// message is.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when it is no such dict.
    pub fn unpack(serializer: Encoding, bytes: &[u8]) -> Result<Self, DecodeError> {
        let expected = "a dict of `args` and `kwargs`";
        let wrong = || DecodeError::Type { expected, found: "something else" };
        let mut packed: Dict = codec::from_slice(serializer, bytes)?;
        let args = packed.remove("args").unwrap_or_else(|| Value::List(Vec::new()));
        let kwargs = packed.remove("kwargs").unwrap_or_else(|| Value::Dict(Dict::new()));
        Self::new(serializer, &args, &kwargs).map_err(|_| wrong())
    }

    /// A copy that does not hold on to the read buffer that the payload points into.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self { raw: Bytes::copy_from_slice(&self.raw), ..*self }
    }

    fn joined(encoding: Encoding, args: Vec<u8>, kwargs: &[u8]) -> Self {
        let mut raw = args;
        let args_end = short(raw.len());
        if encoding == Encoding::Json {
            raw.push(b',');
        }
        let kwargs_start = short(raw.len());
        raw.extend_from_slice(kwargs);
        Self { encoding, shape: Shape::ArgsKwargs { args_end, kwargs_start }, raw: raw.into() }
    }

    /// Whether a part is absent, `[]` or `{}`.
    fn is_empty_part(&self, part: Option<&[u8]>) -> bool {
        part.is_none_or(|part| is_empty_container(self.encoding, part))
    }

    fn count_args(&self) -> Result<Count, DecodeError> {
        let Some(args) = self.args_raw() else { return Ok(Count::None) };
        let mut reader = Reader::new(self.encoding, args);
        reader.list()?;
        if !reader.item()? {
            return Ok(Count::None);
        }
        reader.skip()?;
        Ok(if reader.item()? { Count::Several } else { Count::One })
    }

    fn only_arg<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        let mut reader = Reader::new(self.encoding, self.args_raw().unwrap_or_default());
        reader.list()?;
        reader.item()?;
        T::deserialize(Deserializer::new(&mut reader))
    }
}

enum Count {
    None,
    One,
    Several,
}

/// One half of a payload, `None` if it is empty; `wrong` if it is not of that kind.
fn part<T: Serialize + ?Sized>(
    encoding: Encoding,
    value: &T,
    kind: Kind,
    wrong: EncodeError,
) -> Result<Option<Vec<u8>>, EncodeError> {
    // The message's own list is around it.
    let bytes = codec::to_vec_at(encoding, value, 1)?;
    match Reader::new(encoding, &bytes).peek() {
        Ok(Kind::Null) => Ok(None),
        Ok(found) if found == kind => {
            Ok(if is_empty_container(encoding, &bytes) { None } else { Some(bytes) })
        }
        _ => Err(wrong),
    }
}

/// Whether `bytes` are `[]` or `{}`.
fn is_empty_container(encoding: Encoding, bytes: &[u8]) -> bool {
    let mut reader = Reader::new(encoding, bytes);
    matches!(reader.next(), Ok(Token::List(_) | Token::Dict(_))) && matches!(reader.next(), Ok(Token::End))
}

const fn null(encoding: Encoding) -> &'static [u8] {
    match encoding {
        Encoding::Json => b"null",
        Encoding::MessagePack => &[0xC0],
        Encoding::Cbor => &[0xF6],
    }
}

const fn empty_list(encoding: Encoding) -> &'static [u8] {
    match encoding {
        Encoding::Json => b"[]",
        Encoding::MessagePack => &[0x90],
        Encoding::Cbor => &[0x80],
    }
}

const fn empty_dict(encoding: Encoding) -> &'static [u8] {
    match encoding {
        Encoding::Json => b"{}",
        Encoding::MessagePack => &[0x80],
        Encoding::Cbor => &[0xA0],
    }
}

/// An empty payload.
impl Default for Payload {
    fn default() -> Self {
        Self::empty()
    }
}

/// An offset, for [`Shape`]; no message is as large as to be cut by it.
fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Shows JSON, shortened.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 200;
        write!(f, "Payload({}: ", self.encoding)?;
        match self.transcode(Encoding::Json) {
            Ok(json) => {
                let shown = json.raw.get(..SHOWN).unwrap_or(&json.raw);
                f.write_str(String::from_utf8_lossy(shown).trim_end_matches('\u{FFFD}'))?;
                if json.size() > SHOWN {
                    write!(f, ".. {} bytes", self.size())?;
                }
            }
            Err(error) => write!(f, "{error}")?,
        }
        f.write_str(")")
    }
}

/// Compares what is decoded, so that neither the serializer nor absent versus empty arguments (M-11) matter.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        (self.encoding == other.encoding && self.raw == other.raw)
            || matches!((self.list(), other.list()), (Ok(a), Ok(b)) if a == b)
                && matches!((self.dict(), other.dict()), (Ok(a), Ok(b)) if a == b)
    }
}
