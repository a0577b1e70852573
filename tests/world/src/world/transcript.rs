//! What crossed the links, as text: every message as a JSON list, whatever its serializer, with random ids by name.

use std::fmt::Write as _;

use bytes::Bytes;
use wamp_proto::{Encoding, Instant, Limits, codec};

/// The text, and the names of the random ids in it.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    text: String,
    at: Option<Instant>,
    sessions: Vec<String>,
    publications: Vec<String>,
    authids: Vec<String>,
}

/// The longest message that is shown in full.
const SHOWN: usize = 1_200;

impl Transcript {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// `from -> to  [...]`
    pub(super) fn message(&mut self, now: Instant, from: &str, to: &str, encoding: Encoding, frame: &Bytes) {
        let message = self.named(&render(encoding, frame));
        self.line(now, &format!("{from} -> {to}  {}", shortened(&message)));
    }

    pub(super) fn line(&mut self, now: Instant, line: &str) {
        if self.at.unwrap_or(Instant::ZERO) != now {
            let _ = writeln!(self.text, "@ {:?}", now.since_origin());
            self.at = Some(now);
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// With names in the place of random ids: they differ from seed to seed, the names do not.
    pub(super) fn named(&mut self, message: &str) -> String {
        let Some(parts) = header(message) else { return message.to_owned() };
        match parts.as_slice() {
            ["17" | "36", _, publication, ..] => {
                name(&mut self.publications, "publication", publication);
            }
            ["2", session, ..] => {
                name(&mut self.sessions, "session", session);
            }
            _ => {}
        }
        let message =
            if parts.first() == Some(&"2") { self.with_named_authid(message) } else { message.to_owned() };
        self.with_known_names(&message)
    }

    /// Wherever an id that has a name stands.
    fn with_known_names(&self, message: &str) -> String {
        let mut named = String::new();
        let mut rest = message;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let (before, number) = rest.split_at(start);
            let length = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
            let (number, after) = number.split_at(length);
            named.push_str(before);
            // What is smaller may be any number; ids that were drawn never are.
            let of = |names: &[String]| names.iter().position(|known| number.len() > 9 && known == number);
            match (of(&self.sessions), of(&self.publications)) {
                (Some(place), _) => _ = write!(named, "session#{}", place + 1),
                (_, Some(place)) => _ = write!(named, "publication#{}", place + 1),
                _ => named.push_str(number),
            }
            rest = after;
        }
        named.push_str(rest);
        for (place, authid) in self.authids.iter().enumerate() {
            named = named.replace(&**authid, &format!("anonymous#{}", place + 1));
        }
        named
    }

    fn with_named_authid(&mut self, welcome: &str) -> String {
        const DRAWN: &str = "\"anonymous-";
        let Some(start) = welcome.find(DRAWN) else { return welcome.to_owned() };
        let Some(length) = welcome[start + 1..].find('"') else { return welcome.to_owned() };
        let authid = &welcome[start + 1..start + 1 + length];
        let name = name(&mut self.authids, "anonymous", authid);
        welcome.replacen(authid, &name, 1)
    }
}

fn name(names: &mut Vec<String>, kind: &str, id: &str) -> String {
    let place = names.iter().position(|known| known == id).unwrap_or_else(|| {
        names.push(id.to_owned());
        names.len() - 1
    });
    format!("{kind}#{}", place + 1)
}

/// The code and the numbers behind it, up to three elements.
fn header(message: &str) -> Option<Vec<&str>> {
    let rest = message.strip_prefix('[')?;
    Some(rest.split([',', ']']).take(3).collect())
}

fn render(encoding: Encoding, frame: &Bytes) -> String {
    if encoding == Encoding::Json {
        return printable(frame);
    }
    // What cannot be decoded is shown as it is.
    match codec::Elements::split(encoding, frame, &Limits::default()) {
        Ok(_) => codec::transcode(encoding, frame, Encoding::Json)
            .map_or_else(|_| hex(frame), |json| printable(&json)),
        Err(_) => hex(frame),
    }
}

fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().map(|c| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.into() }).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    format!("{} bytes: {}", bytes.len(), digits.join(" "))
}

fn shortened(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    let shown = text.chars().take(SHOWN / 2).collect::<String>();
    format!("{shown}... ({} characters)", text.chars().count())
}
