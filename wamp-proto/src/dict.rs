//! Dicts of values.

use std::collections::BTreeMap;
use std::fmt;
use std::vec;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::value::Value;

/// A dict: values by text keys.
///
/// Keys are unique (M-04) and keep the order in which they came (W-27); equality ignores the order. Nothing is allocated
/// while it is empty. A look-up goes through the keys one by one: right for the handful that a message has.
///
/// ```
/// use wamp_proto::{Dict, Value};
///
/// let mut options = Dict::new();
/// options.insert("acknowledge", true);
/// assert_eq!(options.get("acknowledge"), Some(&Value::Bool(true)));
/// assert_eq!(options.insert("acknowledge", false), Some(Value::Bool(true)));
/// assert_eq!(options, Dict::from_iter([("acknowledge", false)]));
/// ```
#[derive(Clone, Default)]
pub struct Dict(Vec<(String, Value)>);

impl Dict {
    /// An empty dict.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find_map(|(k, value)| (k == key).then_some(value))
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find_map(|(k, value)| (k == key).then_some(value))
    }

    /// Whether there is a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets the value of a key, and returns the one that it replaces. A new key goes to the end.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        if let Some(old) = self.get_mut(&key) {
            return Some(std::mem::replace(old, value));
        }
        self.0.push((key, value));
        None
    }

    /// Takes an entry out, and returns its value. The others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(at).1)
    }

    /// The entries, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }

    /// Reads the next value of `reader`, which must be a dict.
    ///
    /// # Errors
    ///
    /// As [`Value::read`]; [`DecodeError::Custom`] or [`DecodeError::Type`] for a value that is not a dict.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::deserialize(crate::codec::Deserializer::new(reader))
    }

    /// Appends the dict to `writer`.
    ///
    /// # Errors
    ///
    /// As [`Value::write`].
    pub fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        self.serialize(crate::codec::Serializer::new(writer))
    }

    /// The entries by key, to compare dicts.
    fn sorted(&self) -> Vec<&(String, Value)> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        entries
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialEq for Dict {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (self.0 == other.0 || self.sorted() == other.sorted())
    }
}

/// The entries of a [`Dict`], in order.
#[derive(Clone, Debug)]
pub struct Iter<'a>(std::slice::Iter<'a, (String, Value)>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key.as_str(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Dict {
    type Item = (&'a str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Dict {
    type Item = (String, Value);
    type IntoIter = vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A later value of a key replaces an earlier one.
impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Dict {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut dict = Self::new();
        dict.extend(entries);
        dict
    }
}

/// A later value of a key replaces an earlier one.
impl<K: Into<String>, V: Into<Value>> Extend<(K, V)> for Dict {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into()));
        let mut gathered = Gathered::from(std::mem::take(self));
        for (key, value) in entries {
            if let Err((at, value)) = gathered.push(key, value) {
                gathered.replace(at, value);
            }
        }
        self.0 = gathered.entries;
    }
}

/// Entries with an index of their keys once there are many, so that a large dict is not gathered in quadratic time.
#[derive(Default)]
struct Gathered {
    entries: Vec<(String, Value)>,
    index: BTreeMap<String, usize>,
}

impl Gathered {
    /// Up to so many keys are compared one by one.
    const FEW: usize = 16;

    /// Appends an entry; gives the value back, with the place of its key, if the key is there already.
    fn push(&mut self, key: String, value: Value) -> Result<(), (usize, Value)> {
        if let Some(at) = self.find(&key) {
            return Err((at, value));
        }
        if !self.index.is_empty() {
            self.index.insert(key.clone(), self.entries.len());
        }
        self.entries.push((key, value));
        Ok(())
    }

    fn find(&mut self, key: &str) -> Option<usize> {
        if self.entries.len() <= Self::FEW {
            return self.entries.iter().position(|(k, _)| k == key);
        }
        if self.index.is_empty() {
            let keys = self.entries.iter().enumerate();
            self.index = keys.map(|(at, (key, _))| (key.clone(), at)).collect();
        }
        self.index.get(key).copied()
    }

    fn replace(&mut self, at: usize, value: Value) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.1 = value;
        }
    }
}

impl From<Dict> for Gathered {
    fn from(dict: Dict) -> Self {
        Self { entries: dict.0, index: BTreeMap::new() }
    }
}

impl Serialize for Dict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Refuses a dict that has the same key twice (M-04).
impl<'de> Deserialize<'de> for Dict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DictVisitor)
    }
}

struct DictVisitor;

impl<'de> Visitor<'de> for DictVisitor {
    type Value = Dict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dict")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Dict, A::Error> {
        visit_map(map)
    }
}

/// Gathers the entries of a dict that is being read.
pub(crate) fn visit_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Dict, A::Error> {
    let mut gathered = Gathered::default();
    while let Some((key, value)) = map.next_entry()? {
        if gathered.push(key, value).is_err() {
            return Err(de::Error::custom("a dict key is there twice"));
        }
    }
    Ok(Dict(gathered.entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;
    use crate::codec::{from_slice, to_vec};

    fn dict(keys: impl IntoIterator<Item = u32>) -> Dict {
        keys.into_iter().map(|n| (n.to_string(), n)).collect()
    }

    #[test]
    fn w27_keys_keep_their_order() {
        let mut dict = dict([3, 1, 2]);
        assert_eq!(dict.keys().collect::<Vec<_>>(), ["3", "1", "2"]);
        assert_eq!(dict.insert("1", "one"), Some(Value::Unsigned(1)));
        assert_eq!(dict.remove("3"), Some(Value::Unsigned(3)));
        assert_eq!(dict.remove("3"), None);
        assert_eq!(to_vec(Encoding::Json, &dict).unwrap(), br#"{"1":"one","2":2}"#);
        assert_eq!((dict.len(), dict.is_empty(), dict.contains_key("2")), (2, false, true));
    }

    #[test]
    fn m02_equality_ignores_the_order() {
        assert_eq!(dict([3, 1, 2]), dict([1, 2, 3]));
        assert_eq!(dict(0..100), dict((0..100).rev()));
        assert_ne!(dict([1, 2]), dict([1, 3]));
        assert_ne!(dict([1, 2]), dict([1]));
        assert_ne!(Dict::from_iter([("a", 1)]), Dict::from_iter([("a", 2)]));
    }

    #[test]
    fn m04_a_later_value_replaces_an_earlier_one_in_a_small_and_a_large_dict() {
        for size in [3, 16, 17, 18, 500] {
            let twice: Dict = (0..size).chain(0..size).map(|n| (n.to_string(), n)).collect();
            assert_eq!(twice, dict(0..size));
            let mut grown = dict(0..size);
            grown.extend([("0", 7), ("new", 8)]);
            assert_eq!(grown.len(), size as usize + 1);
            assert_eq!(grown.get("0"), Some(&Value::Unsigned(7)));
        }
    }

    #[test]
    fn m04_reading_refuses_a_key_that_is_there_twice() {
        for size in [1, 16, 17, 18, 100] {
            let once: String = (0..size).map(|n| format!("\"{n}\":0,")).collect();
            assert!(from_slice::<Dict>(Encoding::Json, format!("{{{once}\"x\":1}}").as_bytes()).is_ok());
            for last in [0, size - 1] {
                let twice = format!("{{{once}\"{last}\":1}}");
                assert!(from_slice::<Dict>(Encoding::Json, twice.as_bytes()).is_err(), "{twice}");
            }
        }
        assert!(from_slice::<Dict>(Encoding::Json, b"[]").is_err());
    }
}
