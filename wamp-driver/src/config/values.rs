//! The values of a configuration file that are more than a text or a number.

use std::{borrow::Cow, fmt, fs, path::Path, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use crate::duration;

/// A text, with `${NAME}` and `${NAME:-otherwise}` replaced from the environment and `$$` by `$`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub String);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let from_environment = |name: &str| std::env::var(name).ok();
        interpolate(&text, from_environment).map(Self).map_err(de::Error::custom)
    }
}

fn interpolate(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        rest = match (after.strip_prefix('$'), after.strip_prefix('{')) {
            (Some(after), _) => {
                result.push('$');
                after
            }
            (_, Some(after)) => {
                let (name, after) =
                    after.split_once('}').ok_or("`${` lacks its `}`; write `$$` for a `$`")?;
                let (name, otherwise) = match name.split_once(":-") {
                    Some((name, otherwise)) => (name, Some(otherwise)),
                    None => (name, None),
                };
                let value = value(name).or_else(|| otherwise.map(str::to_owned));
                let unset = || format!("the environment variable `{name}` is not set");
                result.push_str(&value.ok_or_else(unset)?);
                after
            }
            _ => return Err("a single `$` has no meaning here; write `$$` for a `$`".to_owned()),
        };
    }
    result.push_str(rest);
    Ok(result)
}

/// A secret: a text, `{ env = "NAME" }` or `{ file = "path" }`, whose last line break does not count. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretText {
    /// The secret itself, from the file or by `${NAME}`.
    Text(Text),
    /// The name of a variable of the environment.
    Environment(String),
    /// A file, relative to the configuration's.
    File(Text),
}

impl SecretText {
    /// The secret; files are relative to `folder`.
    ///
    /// # Errors
    ///
    /// A text that names the variable that is not set, or the file that cannot be read; never the secret.
    pub fn read(&self, folder: &Path) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.0.clone()),
            Self::Environment(name) => {
                std::env::var(name).map_err(|_| format!("the environment variable `{name}` is not set"))
            }
            Self::File(path) => {
                let path = folder.join(&path.0);
                let text = fs::read_to_string(&path);
                let text =
                    text.map_err(|error| format!("cannot read the secret in {}: {error}", path.display()))?;
                Ok(text
                    .strip_suffix('\n')
                    .map_or(text.as_str(), |text| text.trim_end_matches('\r'))
                    .to_owned())
            }
        }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("(secret)"),
            Self::Environment(name) => write!(f, "(secret in the environment: {name})"),
            Self::File(path) => write!(f, "(secret in {path})"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, { env = \"NAME\" } or { file = \"path\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretText, E> {
        let text = interpolate(text, |name| std::env::var(name).ok()).map_err(E::custom)?;
        Ok(SecretText::Text(Text(text)))
    }

    fn visit_map<M: de::MapAccess<'de>>(self, map: M) -> Result<SecretText, M::Error> {
        Ok(match Elsewhere::deserialize(de::value::MapAccessDeserializer::new(map))? {
            Elsewhere::Env(name) => SecretText::Environment(name),
            Elsewhere::File(path) => SecretText::File(path),
        })
    }
}

/// Where a secret is that is not in the file.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Elsewhere {
    /// In this variable of the environment.
    Env(String),
    /// In this file.
    File(Text),
}

/// A time such as `"500ms"`, `"10s"`, `"2m"`, `"1h"`, or a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

/// A number of bytes, or a text such as `"64 KiB"`, `"1MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a time such as \"500ms\", \"10s\" or \"2m\", or a number of seconds";
        deserializer.deserialize_any(NumberOrText { expected, parse: duration::parse }).map(Self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a number of bytes, or a text such as \"64 KiB\" or \"1 MiB\"";
        deserializer.deserialize_any(NumberOrText { expected, parse: size }).map(Self)
    }
}

/// Reads a number as the text that it is.
struct NumberOrText<T> {
    expected: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for NumberOrText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a number of bytes such as 65536, 64 KiB or 1 MiB");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let unit: usize = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)
}

/// The JSON schema of a type that is written in one of a few ways.
macro_rules! written_as {
    ($($type:ident: $schema:tt;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

written_as! {
    Text: { "type": "string", "description": "${NAME} and ${NAME:-otherwise} come from the environment; $$ is $" };
    Time: { "type": ["string", "number"], "description": "500ms, 10s, 2m, 1h, or a number of seconds" };
    Size: { "type": ["string", "integer"], "description": "64 KiB, 1 MiB, or a number of bytes" };
}

impl JsonSchema for SecretText {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (text, elsewhere) = (generator.subschema_for::<Text>(), generator.subschema_for::<Elsewhere>());
        json_schema!({ "anyOf": [text, elsewhere] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_take_values_of_the_environment() {
        let value = |name: &str| (name == "A").then(|| "one".to_owned());
        for (text, expected) in [
            ("plain", Ok("plain")),
            ("x${A}y${A}", Ok("xoneyone")),
            ("${B:-two}", Ok("two")),
            ("${B:-}", Ok("")),
            ("${A:-two}", Ok("one")),
            ("5 $$", Ok("5 $")),
            ("${B}", Err("`B` is not set")),
            ("${A", Err("lacks its `}`")),
            ("5 $", Err("write `$$`")),
        ] {
            match (interpolate(text, value), expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{text}: {error}"),
                (result, _) => panic!("{text}: {result:?}"),
            }
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("0", 0), ("17", 17), ("64KiB", 65_536), ("1 MiB", 1 << 20), ("2 GiB", 2 << 30)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "-1", "1.5 MiB", "1 MB", "99999999999 GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = SecretText::Text(Text("hunter2".to_owned()));
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
