//! From words on the command line to values and payloads.

use std::{io::Read as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use wamp_tokio::proto::{Dict, Encoding, Payload, Value, codec};

use crate::{
    args,
    exit::{Code, Failure},
};

/// How to take a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typing {
    /// By what it looks like.
    Guess,
    /// As text.
    Text,
    /// As JSON, or not at all.
    Json,
}

impl Typing {
    fn of(arguments: &args::Payload) -> Self {
        match (arguments.string, arguments.json) {
            (true, _) => Self::Text,
            (_, true) => Self::Json,
            _ => Self::Guess,
        }
    }
}

/// The payload of a call or an event. Reads files and stdin when it is told to.
pub(crate) fn payload(arguments: &args::Payload) -> Result<Payload, Failure> {
    if let Some(path) = &arguments.payload {
        return whole_payload(&text_of(path)?);
    }
    let typing = Typing::of(arguments);
    let args = match &arguments.args {
        Some(list) => match json(list)? {
            Value::List(items) => items,
            _ => return Err(Failure::usage(format!("--args must be a JSON list, not `{list}`"))),
        },
        None => arguments.arguments.iter().map(|word| typed(typing, word)).collect::<Result<_, _>>()?,
    };
    build(&args, &keywords(arguments)?)
}

/// The payload of an event that a line is the one positional argument of.
pub(crate) fn line_payload(arguments: &args::Payload, line: &str) -> Result<Payload, Failure> {
    build(&[self::line(arguments, line)?], &keywords(arguments)?)
}

/// A line as an argument.
pub(crate) fn line(arguments: &args::Payload, line: &str) -> Result<Value, Failure> {
    typed(Typing::of(arguments), line)
}

fn keywords(arguments: &args::Payload) -> Result<Dict, Failure> {
    let mut kwargs = match &arguments.kwargs {
        Some(dict) => match json(dict)? {
            Value::Dict(dict) => dict,
            _ => return Err(Failure::usage(format!("--kwargs must be a JSON dict, not `{dict}`"))),
        },
        None => Dict::new(),
    };
    for word in &arguments.keywords {
        let (name, value) = keyword(word)?;
        if kwargs.insert(name, value).is_some() {
            return Err(Failure::usage(format!("the keyword argument `{name}` is given twice")));
        }
    }
    Ok(kwargs)
}

/// A payload of these arguments. MessagePack has all types, and is transcoded when the session speaks something else.
fn build(args: &[Value], kwargs: &Dict) -> Result<Payload, Failure> {
    Payload::new(Encoding::MessagePack, args, kwargs)
        .map_err(|error| Failure::usage(format!("the arguments cannot be sent: {error}")))
}

/// `{"args": [..], "kwargs": {..}}`, each of them optional.
fn whole_payload(text: &str) -> Result<Payload, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("--payload must be {{\"args\": [..], \"kwargs\": {{..}}}}: {why}"))
    };
    let Value::Dict(dict) = json(text.trim())? else { return Err(wrong("it is no dict")) };
    let (mut args, mut kwargs) = (Vec::new(), Dict::new());
    for (key, value) in dict {
        match (key.as_str(), value) {
            ("args", Value::List(items)) => args = items,
            ("kwargs", Value::Dict(items)) => kwargs = items,
            ("args", _) => return Err(wrong("`args` is no list")),
            ("kwargs", _) => return Err(wrong("`kwargs` is no dict")),
            (key, _) => return Err(wrong(&format!("`{key}` is neither"))),
        }
    }
    build(&args, &kwargs)
}

/// One `-k`: its name and value.
fn keyword(word: &str) -> Result<(&str, Value), Failure> {
    let wrong =
        || Failure::usage(format!("`-k {word}` must be name=value, name:=JSON, name=@FILE or name=@@FILE"));
    let (name, value) = word.split_once('=').ok_or_else(wrong)?;
    let (name, value) = if let Some(name) = name.strip_suffix(':') {
        (name, json(value)?)
    } else if let Some(path) = value.strip_prefix("@@") {
        (name, Value::Bytes(bytes_of(Path::new(path))?))
    } else if let Some(path) = value.strip_prefix('@') {
        (name, Value::Text(text_of(Path::new(path))?))
    } else {
        (name, typed(Typing::Guess, value)?)
    };
    if name.is_empty() { Err(wrong()) } else { Ok((name, value)) }
}

fn typed(typing: Typing, word: &str) -> Result<Value, Failure> {
    match typing {
        Typing::Text => return Ok(Value::from(word)),
        Typing::Json => return json(word),
        Typing::Guess => {}
    }
    if let Some(digits) = word.strip_prefix("hex:") {
        return hex(digits)
            .map(Value::Bytes)
            .ok_or_else(|| Failure::usage(format!("`{word}` is not hexadecimal")));
    }
    if let Some(text) = word.strip_prefix("b64:") {
        return base64(text)
            .map(Value::Bytes)
            .ok_or_else(|| Failure::usage(format!("`{word}` is not Base64")));
    }
    match codec::from_slice(Encoding::Json, word.as_bytes()) {
        // A text in quotes is a text with quotes: only -j and := take them away.
        Ok(Value::Text(_) | Value::Bytes(_)) | Err(_) => Ok(Value::from(word)),
        Ok(value) => exact(word).map(|()| value),
    }
}

/// A value in JSON; binary values as in WAMP's JSON.
pub(crate) fn json(text: &str) -> Result<Value, Failure> {
    let value = codec::from_slice(Encoding::Json, text.as_bytes())
        .map_err(|error| Failure::usage(format!("`{}` is not JSON: {error}", shortened(text))))?;
    exact(text)?;
    Ok(value)
}

/// Refuses integers that only a float could hold, and that not exactly, and numbers that not even a float can hold.
fn exact(json: &str) -> Result<(), Failure> {
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = &rest[at..];
        let len = if rest.starts_with('"') { text_len(rest) } else { number_len(rest) };
        let (token, after) = rest.split_at(len);
        rest = after;
        let integer = token.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        if integer && token.parse::<u64>().is_err() && token.parse::<i64>().is_err() {
            let why = "it does not fit into 64 bits; as a float (with .0) it is inexact, as text (-s) it is not a number";
            return Err(Failure::usage(format!("`{token}` is too large an integer: {why}")));
        }
        if !token.starts_with('"') && token.parse().is_ok_and(f64::is_infinite) {
            return Err(Failure::usage(format!(
                "`{token}` is too large a number: floats end at 1.8e308 (-s: as text)"
            )));
        }
    }
    Ok(())
}

/// How long the JSON text at the beginning is, its quotes included.
fn text_len(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

fn number_len(json: &str) -> usize {
    json.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(json.len())
}

/// The bytes of hexadecimal digits; white space between them is ignored.
pub(crate) fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits =
        digits.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<Vec<_>>>()?;
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high << 4 | low).ok(),
            _ => None,
        })
        .collect()
}

/// Bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of Base64, white space around it ignored.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

/// Bytes as Base64.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The content of a file, or of stdin for `-`.
pub(crate) fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| Failure::new(Code::Usage, format!("cannot read stdin: {error}")))?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

/// The text in a file, or on stdin for `-`.
pub(crate) fn text_of(path: &Path) -> Result<String, Failure> {
    let wrong = |_| Failure::usage(format!("{} is not UTF-8 text; @@ takes any bytes", path.display()));
    String::from_utf8(bytes_of(path)?).map_err(wrong)
}

fn shortened(text: &str) -> String {
    if text.chars().nth(60).is_some() {
        text.chars().take(60).chain(['…']).collect()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(word: &str) -> Value {
        typed(Typing::Guess, word).unwrap()
    }

    #[test]
    fn a_bare_word_is_what_it_looks_like() {
        for (word, json) in [
            ("2", "2"),
            ("-3", "-3"),
            ("21.5", "21.5"),
            ("1e3", "1000.0"),
            ("true", "true"),
            ("null", "null"),
            ("[1, \"x\"]", "[1,\"x\"]"),
            ("{\"a\": {}}", "{\"a\":{}}"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(guess(word).to_string(), json, "{word}");
        }
        for word in ["hello", "", "True", "01", "1 2", "[1", "\"quoted\"", "0x10", "a=b", "NaN", "-", "1."] {
            assert_eq!(guess(word), Value::from(word), "{word}");
        }
    }

    #[test]
    fn binary_words() {
        assert_eq!(guess("hex:00ff"), Value::Bytes(vec![0, 255]));
        assert_eq!(guess("hex:"), Value::Bytes(vec![]));
        assert_eq!(guess("b64:AQI="), Value::Bytes(vec![1, 2]));
        for word in ["hex:0", "hex:xx", "b64:?", "b64:AQI"] {
            assert_eq!(typed(Typing::Guess, word).unwrap_err().code, Code::Usage, "{word}");
            assert_eq!(typed(Typing::Text, word).unwrap(), Value::from(word));
        }
    }

    #[test]
    fn forced_types() {
        assert_eq!(typed(Typing::Text, "5").unwrap(), Value::from("5"));
        assert_eq!(typed(Typing::Json, "\"5\"").unwrap(), Value::from("5"));
        assert_eq!(typed(Typing::Json, "5").unwrap(), Value::from(5));
        assert!(typed(Typing::Json, "five").is_err());
    }

    #[test]
    fn integers_are_exact_or_refused() {
        for json in ["18446744073709551616", "-9223372036854775809", "[1,{\"a\":99999999999999999999}]"] {
            assert!(typed(Typing::Guess, json).unwrap_err().message.contains("64 bits"), "{json}");
        }
        for json in ["1e400", "[-1e400]"] {
            assert!(typed(Typing::Guess, json).unwrap_err().message.contains("1.8e308"), "{json}");
        }
        for json in
            ["\"99999999999999999999\"", "[\"\\\"99999999999999999999\"]", "99999999999999999999.0", "1e30"]
        {
            assert!(typed(Typing::Json, json).is_ok(), "{json}");
        }
        assert_eq!(typed(Typing::Text, "18446744073709551616").unwrap(), Value::from("18446744073709551616"));
    }

    #[test]
    fn keywords() {
        assert_eq!(keyword("a=1").unwrap(), ("a", Value::from(1)));
        assert_eq!(keyword("a=x=y").unwrap(), ("a", Value::from("x=y")));
        assert_eq!(keyword("a=").unwrap(), ("a", Value::from("")));
        assert_eq!(keyword("a:=\"1\"").unwrap(), ("a", Value::from("1")));
        assert_eq!(keyword("a=hex:01").unwrap(), ("a", Value::Bytes(vec![1])));
        for word in ["a", "=1", ":=1", "a:=x", "a=@/no/such/file", "a=@@/no/such/file"] {
            assert_eq!(keyword(word).unwrap_err().code, Code::Usage, "{word}");
        }
    }

    #[test]
    fn whole_payloads() {
        let payload = whole_payload("{\"args\": [1], \"kwargs\": {\"a\": 2}}\n").unwrap();
        assert_eq!(payload.list().unwrap(), [Value::from(1)]);
        assert_eq!(payload.dict().unwrap(), Dict::from_iter([("a", 2)]));
        assert!(whole_payload("{}").unwrap().is_empty());
        for text in ["[]", "{\"arg\": []}", "{\"args\": {}}", "{\"kwargs\": []}", "", "x"] {
            assert_eq!(whole_payload(text).unwrap_err().code, Code::Usage, "{text}");
        }
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(hex("00 fF\n1a"), Some(vec![0, 255, 26]));
        assert_eq!(to_hex(&[0, 255, 26]), "00ff1a");
        assert_eq!((hex("0"), hex("0g")), (None, None));
    }
}
