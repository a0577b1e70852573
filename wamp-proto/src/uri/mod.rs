//! URIs (I-20..I-35), patterns of URIs (R-121..R-129) and the URIs that the protocol defines (S-100..S-131).

mod pattern;
pub mod uris;

use core::{borrow::Borrow, fmt, ops::Deref, str::FromStr};
use std::sync::Arc;

pub use pattern::{Match, Pattern, UnknownMatch};

/// The name of a topic, a procedure, an error, a realm or a reason to close (I-20).
///
/// Conversions from text apply the loose rule without empty components (I-22); [`Uri::new`] applies a rule of choice.
/// Only the URI of a [`Pattern`] may have empty components (I-25). A clone shares the text.
///
/// ```
/// use wamp_proto::Uri;
///
/// let uri: Uri = "com.myapp.topic1".parse()?;
/// assert_eq!(uri, "com.myapp.topic1");
/// assert_eq!(uri.components().count(), 3);
/// assert!("com..topic1".parse::<Uri>().is_err());
/// # Ok::<(), wamp_proto::uri::InvalidUri>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri(Arc<str>);

impl Uri {
    /// A URI without empty components that obeys `rule`.
    ///
    /// # Errors
    ///
    /// [`InvalidUri`] when it does not.
    pub fn new(rule: UriRule, uri: &str) -> Result<Self, InvalidUri> {
        rule.check(uri)?;
        Ok(Self(uri.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between the dots, in order (I-21); there is always one at least.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether the first component is `wamp`, which belongs to the protocol (I-30).
    ///
    /// ```
    /// # use wamp_proto::Uri;
    /// assert!(Uri::try_from("wamp.session.count")?.is_reserved());
    /// assert!(!Uri::try_from("wampum.count")?.is_reserved());
    /// # Ok::<(), wamp_proto::uri::InvalidUri>(())
    /// ```
    pub fn is_reserved(&self) -> bool {
        self.components().next() == Some("wamp")
    }

    /// A text as it came or as it was written, without a check: a pattern, or what a peer put in the place of a URI. Whoever
    /// acts on it checks it first, with [`UriRule::check`] or [`UriRule::check_pattern`].
    pub fn unchecked(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().into())
    }
}

impl FromStr for Uri {
    type Err = InvalidUri;

    fn from_str(uri: &str) -> Result<Self, InvalidUri> {
        Self::new(UriRule::Loose, uri)
    }
}

impl TryFrom<&str> for Uri {
    type Error = InvalidUri;

    fn try_from(uri: &str) -> Result<Self, InvalidUri> {
        uri.parse()
    }
}

impl TryFrom<String> for Uri {
    type Error = InvalidUri;

    fn try_from(uri: String) -> Result<Self, InvalidUri> {
        UriRule::Loose.check(&uri)?;
        Ok(Self(uri.into()))
    }
}

impl Deref for Uri {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Uri {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Uri {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Uri {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Uri {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl serde::Serialize for Uri {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Uri {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = Uri;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URI")
            }

            fn visit_str<E: serde::de::Error>(self, uri: &str) -> Result<Uri, E> {
                uri.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// What a component of a URI may contain.
///
/// ```
/// use wamp_proto::{Match, uri::UriRule};
///
/// assert!(UriRule::Loose.check("com.My-App.größe").is_ok());
/// assert!(UriRule::Strict.check("com.My-App.größe").is_err());
/// assert!(UriRule::Loose.check_pattern("com..size", Match::Wildcard).is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UriRule {
    /// Anything but `.`, `#` and Unicode whitespace (I-22, I-28).
    #[default]
    Loose,
    /// Only `0-9`, `a-z` and `_` (I-24).
    Strict,
}

impl UriRule {
    /// Checks a URI of which no component may be empty (I-22, I-24).
    ///
    /// # Errors
    ///
    /// [`InvalidUri`] with the reason.
    pub fn check(self, uri: &str) -> Result<(), InvalidUri> {
        self.check_pattern(uri, Match::Exact)
    }

    /// Checks a URI where a pattern is expected (I-25).
    ///
    /// An exact URI has no empty component. A prefix is the beginning of some URI: only its last component may be
    /// empty, and it may be empty itself (I-26). In a wildcard pattern any component may be empty (I-23).
    ///
    /// # Errors
    ///
    /// [`InvalidUri`] with the reason.
    pub fn check_pattern(self, uri: &str, kind: Match) -> Result<(), InvalidUri> {
        if self.is_plain(uri.as_bytes()) {
            return Ok(());
        }
        let allowed = |empty: Empty| match kind {
            Match::Exact => !empty.inner && !empty.last,
            Match::Prefix => !empty.inner,
            Match::Wildcard => true,
        };
        match self.scan(uri) {
            Ok(empty) if allowed(empty) => Ok(()),
            Ok(_) if uri.is_empty() => Err(InvalidUri::new(uri, InvalidUriReason::Empty)),
            Ok(_) => Err(InvalidUri::new(uri, InvalidUriReason::EmptyComponent)),
            Err(reason) => Err(InvalidUri::new(uri, reason)),
        }
    }

    /// Whether this is certainly a URI, without empty components: the usual case, in loops without branches.
    fn is_plain(self, bytes: &[u8]) -> bool {
        let odd = |byte: u8| match self {
            Self::Loose => (byte <= b' ') | (byte == b'#') | (byte >= 0x80),
            Self::Strict => {
                !(byte.is_ascii_digit() | byte.is_ascii_lowercase() | (byte == b'_') | (byte == b'.'))
            }
        };
        let ends_in_dots = bytes.first().is_none_or(|&b| b == b'.') || bytes.last() == Some(&b'.');
        let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
        !ends_in_dots
            && !bytes.iter().fold(false, |found, &byte| found | odd(byte))
            && !pairs.fold(false, |found, (&a, &b)| found | ((a == b'.') & (b == b'.')))
    }

    /// Checks the characters and finds the empty components.
    fn scan(self, uri: &str) -> Result<Empty, InvalidUriReason> {
        let mut empty = Empty { inner: false, last: true };
        let mut ascii = true;
        for byte in uri.bytes() {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'_' => {}
                b'.' => {
                    empty.inner |= empty.last;
                    empty.last = true;
                    continue;
                }
                b'#' => return Err(InvalidUriReason::Hash),
                // U+001C..U+001F: the separators that `\s` of the published expressions counts as whitespace.
                b'\t'..=b'\r' | 0x1C..=b' ' => return Err(InvalidUriReason::Whitespace),
                _ if self == Self::Strict => return Err(InvalidUriReason::NotStrict),
                0x80.. => ascii = false,
                _ => {}
            }
            empty.last = false;
        }
        if !ascii && uri.contains(char::is_whitespace) {
            return Err(InvalidUriReason::Whitespace);
        }
        Ok(empty)
    }
}

/// Where a URI has empty components.
#[derive(Clone, Copy)]
struct Empty {
    /// One that is not the last.
    inner: bool,
    /// The last.
    last: bool,
}

/// Checks that a URI has at most `limit` bytes; [`Limits::uri_length`](crate::Limits::uri_length) has the usual limit.
///
/// # Errors
///
/// [`InvalidUri`] when it is longer.
pub fn check_length(uri: &str, limit: usize) -> Result<(), InvalidUri> {
    if uri.len() <= limit {
        return Ok(());
    }
    Err(InvalidUri::new(uri, InvalidUriReason::TooLong { limit }))
}

/// A text that is not a URI, or not one that may stand where it stands (I-32).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid URI {uri:?}: {reason}")]
#[non_exhaustive]
pub struct InvalidUri {
    /// The text, shortened to 100 characters.
    pub uri: String,
    /// What is wrong with it.
    pub reason: InvalidUriReason,
}

impl InvalidUri {
    #[cold]
    fn new(uri: &str, reason: InvalidUriReason) -> Self {
        Self { uri: shortened(uri), reason }
    }
}

/// What is wrong with a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUriReason {
    /// There is no text, where only a pattern may be empty (I-22).
    #[error("it is empty")]
    Empty,
    /// A component is empty where it may not be (I-25).
    #[error("a component is empty, which only patterns allow: in a prefix the last one, in a wildcard any")]
    EmptyComponent,
    /// There is whitespace (I-21, I-28).
    #[error("it contains whitespace")]
    Whitespace,
    /// There is a `#` (I-21).
    #[error("it contains `#`, which is reserved for routers")]
    Hash,
    /// The strict rule is broken (I-24).
    #[error("the strict rule allows only `0-9`, `a-z` and `_` in components")]
    NotStrict,
    /// It is longer than the limit.
    #[error("it is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

/// The text, or its first 99 characters and an ellipsis: errors must not carry all that a peer sends.
pub(crate) fn shortened(text: &str) -> String {
    const LENGTH: usize = 100;
    if text.chars().nth(LENGTH).is_none() {
        return text.to_owned();
    }
    text.chars().take(LENGTH.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Match; 3] = [Match::Exact, Match::Prefix, Match::Wildcard];

    fn reason(rule: UriRule, uri: &str) -> Option<InvalidUriReason> {
        rule.check(uri).err().map(|error| error.reason)
    }

    #[test]
    fn i_22_loose_without_empties() {
        use InvalidUriReason::{Empty, EmptyComponent, Hash, Whitespace};
        for (uri, expected) in [
            ("a", None),
            ("realm1", None),
            ("com.myapp.topic1", None),
            ("com.My-App.x:y/z@0!", None),
            ("wamp.error.no_such_realm", None),
            ("", Some(Empty)),
            (".", Some(EmptyComponent)),
            ("a.", Some(EmptyComponent)),
            (".a", Some(EmptyComponent)),
            ("a..b", Some(EmptyComponent)),
            ("a b", Some(Whitespace)),
            ("a.b\n", Some(Whitespace)),
            ("a#b", Some(Hash)),
            ("#", Some(Hash)),
        ] {
            assert_eq!(reason(UriRule::Loose, uri), expected, "{uri:?}");
        }
    }

    #[test]
    fn i_24_strict() {
        use InvalidUriReason::{EmptyComponent, Hash, NotStrict, Whitespace};
        for (uri, expected) in [
            ("com.my_app.topic1", None),
            ("0", None),
            ("com.myApp", Some(NotStrict)),
            ("com.my-app", Some(NotStrict)),
            ("com.größe", Some(NotStrict)),
            ("com.a b", Some(Whitespace)),
            ("com.a#b", Some(Hash)),
            ("com..b", Some(EmptyComponent)),
        ] {
            assert_eq!(reason(UriRule::Strict, uri), expected, "{uri:?}");
        }
        assert!(UriRule::Strict.check_pattern("a..b", Match::Wildcard).is_ok());
        assert!(UriRule::Strict.check_pattern("A..b", Match::Wildcard).is_err());
    }

    #[test]
    fn i_23_i_25_i_26_i_27_where_components_may_be_empty() {
        for (uri, valid) in [
            // exact, prefix, wildcard
            ("", [false, true, true]),
            (".", [false, false, true]),
            ("..", [false, false, true]),
            ("a.", [false, true, true]),
            (".a", [false, false, true]),
            ("a..b", [false, false, true]),
            ("a..", [false, false, true]),
            ("a.b", [true, true, true]),
            ("a. ", [false, false, false]),
            ("a..#", [false, false, false]),
        ] {
            for rule in [UriRule::Loose, UriRule::Strict] {
                let found = KINDS.map(|kind| rule.check_pattern(uri, kind).is_ok());
                assert_eq!(found, valid, "{uri:?} {rule:?}");
            }
        }
    }

    #[test]
    fn the_fast_check_agrees_with_the_thorough_one() {
        const ALPHABET: &[char] = &['a', '0', '_', '.', '#', ' ', 'A', '~', 'ß', '\u{A0}', '\u{7F}', '\0'];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = texts.iter().flat_map(|text| ALPHABET.iter().map(move |c| format!("{text}{c}")));
            texts = texts.iter().cloned().chain(longer).collect();
        }
        for (rule, text) in texts.iter().flat_map(|text| [(UriRule::Loose, text), (UriRule::Strict, text)]) {
            let valid = rule.scan(text).is_ok_and(|empty| !empty.inner && !empty.last);
            // The fast one leaves NUL and what is not ASCII to the other.
            let expected = valid && text.is_ascii() && !text.contains('\0');
            assert_eq!(rule.is_plain(text.as_bytes()), expected, "{rule:?} {text:?}");
            assert_eq!(rule.check(text).is_ok(), valid);
        }
    }

    #[test]
    fn i_28_t_33_whitespace_is_that_of_unicode() {
        let spaces = (0..=0x10_FFFF).filter_map(char::from_u32);
        for space in spaces.filter(|c| c.is_whitespace() || ('\x1C'..='\x1F').contains(c)) {
            for uri in [format!("a{space}b"), format!("{space}a.b"), format!("a.b{space}")] {
                assert_eq!(reason(UriRule::Loose, &uri), Some(InvalidUriReason::Whitespace), "{uri:?}");
            }
        }
        for uri in ["größe", "com.例え.テスト", "a.\u{200B}", "\u{1F980}.b", "a\0"] {
            assert_eq!(reason(UriRule::Loose, uri), None, "{uri:?}");
        }
    }

    #[test]
    fn i_30_t_34_reserved_is_the_first_component() {
        for (uri, reserved) in
            [("wamp", true), ("wamp.x", true), ("wampfoo.x", false), ("x.wamp", false), ("Wamp.x", false)]
        {
            assert_eq!(Uri::try_from(uri).unwrap().is_reserved(), reserved, "{uri}");
        }
    }

    #[test]
    fn the_length_is_counted_in_bytes() {
        assert!(check_length("a.bc", 4).is_ok());
        let error = check_length("a.ß", 3).unwrap_err();
        assert_eq!(error.reason, InvalidUriReason::TooLong { limit: 3 });
        assert_eq!(error.to_string(), "invalid URI \"a.ß\": it is longer than 3 bytes");
    }

    #[test]
    fn errors_carry_at_most_100_characters() {
        for (length, expected) in [(99, 99), (100, 100), (101, 100), (5_000, 100)] {
            let error = UriRule::Loose.check(&format!("{}#", "ß".repeat(length - 1))).unwrap_err();
            assert_eq!(error.uri.chars().count(), expected);
            assert_eq!(error.uri.ends_with('…'), length > 100);
        }
    }

    #[test]
    fn a_uri_is_like_its_text() {
        let uri = Uri::try_from("a.b".to_owned()).unwrap();
        assert_eq!((format!("{uri}"), format!("{uri:?}")), ("a.b".to_owned(), "\"a.b\"".to_owned()));
        assert_eq!(uri.components().collect::<Vec<_>>(), ["a", "b"]);
        assert!(uri == *"a.b" && uri == "a.b" && uri.as_ref() == "a.b");
        let set: std::collections::HashSet<Uri> = [uri].into();
        assert!(set.contains("a.b"));
        assert!(Uri::try_from("a b".to_owned()).is_err());
        assert!(Uri::new(UriRule::Strict, "A").is_err());
    }

    #[test]
    fn serde_applies_the_loose_rule() {
        let uri: Uri = serde_json::from_str("\"com.my\\u0061pp\"").unwrap();
        assert_eq!(uri, "com.myapp");
        assert_eq!(serde_json::to_string(&uri).unwrap(), "\"com.myapp\"");
        for bad in ["\"a..b\"", "\"\"", "1", "null"] {
            assert!(serde_json::from_str::<Uri>(bad).is_err(), "{bad}");
        }
    }
}
