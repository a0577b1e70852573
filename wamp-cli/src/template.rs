//! Templates of lines: `{{topic}} {{args.0}}`.

use wamp_tokio::proto::Value;

use crate::exit::Failure;

/// A text with places for parts of an event.
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    /// When the event came.
    Time,
    /// The way from the event to a part of it.
    Path(Vec<String>),
}

/// What a place begins with.
const ROOTS: [&str; 7] = ["time", "topic", "args", "kwargs", "subscription", "publication", "details"];

impl Template {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (place, after) = behind
                .split_once("}}")
                .ok_or_else(|| Failure::usage(format!("`{{{{{behind}` in the template has no }}}}")))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(piece(place.trim())?);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text for an event. A part that it does not have is nothing.
    pub(crate) fn fill(&self, event: &Value) -> String {
        let filled = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Time => jiff::Timestamp::now().to_string(),
            Piece::Path(path) => part(event, path),
        });
        filled.collect()
    }
}

fn piece(place: &str) -> Result<Piece, Failure> {
    let path = place.split('.').map(str::to_owned).collect::<Vec<_>>();
    match path.first() {
        Some(root) if root == "time" => Ok(Piece::Time),
        Some(root) if ROOTS.contains(&root.as_str()) => Ok(Piece::Path(path)),
        _ => {
            let roots = ROOTS.join(", ");
            Err(Failure::usage(format!("`{{{{{place}}}}}` in the template must begin with one of {roots}")))
        }
    }
}

fn part(event: &Value, path: &[String]) -> String {
    let step = |value: &Value, name: &String| match value {
        Value::Dict(dict) => dict.get(name).cloned(),
        Value::List(items) => items.get(name.parse::<usize>().ok()?).cloned(),
        _ => None,
    };
    let found = path.iter().try_fold(event.clone(), |value, name| step(&value, name));
    match found {
        Some(Value::Text(text)) => text,
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn templates() {
        let event = r#"{"topic":"t","args":[21.5,{"a":"x"}],"kwargs":{"unit":"C"},"publication":7}"#;
        let event = json(event).unwrap();
        for (template, line) in [
            ("plain", "plain"),
            ("{{topic}}: {{args.0}} {{ kwargs.unit }}", "t: 21.5 C"),
            ("{{args}}{{args.1.a}}", "[21.5,{\"a\":\"x\"}]x"),
            ("<{{args.2}}{{kwargs.none}}{{topic.a}}{{details.x}}>", "<>"),
            ("{{publication}}}}", "7}}"),
        ] {
            assert_eq!(Template::parse(template).unwrap().fill(&event), line, "{template}");
        }
        assert!(Template::parse("{{time}}").unwrap().fill(&event).ends_with('Z'));
        for template in ["{{topic", "{{}}", "{{ARGS}}", "{{arg.0}}"] {
            assert!(Template::parse(template).is_err(), "{template}");
        }
    }
}
