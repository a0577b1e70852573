//! Testaments: what is published when a session has ended (P-90..P-98).

use super::{Answer, Request, invalid};
use crate::{
    codec::{Encoding, Writer},
    error::Violation,
    id::RequestId,
    message::{Message, MessageKind, Publish},
    payload::Payload,
    router::{Limit, Right, Router},
    uri::{Pattern, Uri, uris},
    value::Value,
};

/// The testaments of one session, each bucket in the order in which they came (P-91).
#[derive(Debug, Default)]
pub(in crate::router) struct Testaments {
    detached: Vec<Testament>,
    destroyed: Vec<Testament>,
}

#[derive(Debug)]
struct Testament {
    publish: Publish,
    size: usize,
}

#[derive(Clone, Copy)]
enum Scope {
    Detached,
    Destroyed,
}

impl Testaments {
    /// In the order in which they are to be published: without session resumption, both ends come at once (P-92, T-72).
    pub(in crate::router) fn into_iter(self) -> impl Iterator<Item = Publish> {
        self.detached.into_iter().chain(self.destroyed).map(|testament| testament.publish)
    }

    fn bucket(&mut self, scope: Scope) -> &mut Vec<Testament> {
        match scope {
            Scope::Detached => &mut self.detached,
            Scope::Destroyed => &mut self.destroyed,
        }
    }

    fn len(&self) -> usize {
        self.detached.len().saturating_add(self.destroyed.len())
    }

    fn bytes(&self) -> usize {
        let all = self.detached.iter().chain(&self.destroyed);
        all.fold(0, |sum, testament| sum.saturating_add(testament.size))
    }
}

impl Router {
    /// P-90, P-98: whether the session may publish it is found out now.
    pub(super) fn add_testament(&mut self, request: &Request) -> Answer {
        let scope = scope(request)?;
        let testament = self.testament(request)?;
        let (max, max_bytes) = (self.config.max_testaments, self.config.max_testament_bytes);
        let Some(link) = self.links.get_mut(request.from) else { return Ok(Payload::empty()) };
        let testaments = link.testaments.get_or_insert_default();
        if testaments.len() >= max || testaments.bytes().saturating_add(testament.size) > max_bytes {
            let text = "too many testaments of this session, or too large ones";
            self.links.limited(request.from, Limit::Testaments);
            return Err((uris::error::UNAVAILABLE, text.to_owned()));
        }
        testaments.bucket(scope).push(testament);
        Ok(Payload::empty())
    }

    /// P-95.
    pub(super) fn flush_testaments(&mut self, request: &Request) -> Answer {
        let scope = scope(request)?;
        if let Some(testaments) = self.links.get_mut(request.from).and_then(|link| link.testaments.as_mut()) {
            testaments.bucket(scope).clear();
        }
        Ok(Payload::empty())
    }

    fn testament(&mut self, request: &Request) -> Result<Testament, (&'static str, String)> {
        let topic = Uri::unchecked(request.text(0, "a topic")?);
        let args = request.arg(1).cloned().unwrap_or_else(|| Value::List(Vec::new()));
        let kwargs = request.arg(2).cloned().unwrap_or_else(|| Value::Dict(crate::dict::Dict::new()));
        let payload =
            Payload::new(request.encoding, &args, &kwargs).map_err(|error| invalid(&error.to_string()))?;
        let options = request.kwarg("publish_options").cloned();
        let options = options.unwrap_or_else(|| Value::Dict(crate::dict::Dict::new()));
        let publish = self.publish_of(request.encoding, &topic, &options);
        let mut publish = publish.map_err(|violation| invalid(&violation.to_string()))?;
        // P-93: nobody will be there for the answer.
        publish.options.acknowledge = false;
        publish.payload = payload;
        let size = publish.payload.size().saturating_add(topic.len()).saturating_add(self.size_of(&options));
        if !self.links.may_at_once(request.from, Right::Publish, &Pattern::exact(topic.clone())) {
            let text =
                format!("this session may not publish to `{topic}`, or that cannot be told beforehand");
            return Err((uris::error::NOT_AUTHORIZED, text));
        }
        let Some((_, _, context)) = self.context(request.now, request.from, request.realm) else {
            return Err((uris::error::UNAVAILABLE, String::new()));
        };
        super::super::broker::check_publish(&context, &publish)?;
        Ok(Testament { publish, size })
    }

    /// The options are those of a PUBLISH, and read as such.
    fn publish_of(&self, encoding: Encoding, topic: &Uri, options: &Value) -> Result<Publish, Violation> {
        let wrong =
            Violation::Element { message: MessageKind::Publish, index: 2, expected: "a dict of options" };
        let mut writer = Writer::new(encoding);
        writer.list(Some(4));
        writer.unsigned(MessageKind::Publish.code());
        writer.unsigned(RequestId::FIRST.get());
        options.write(&mut writer).map_err(|_| wrong.clone())?;
        writer.text(topic);
        writer.end();
        match Message::decode(encoding, &writer.finish().into(), &self.config.limits)? {
            Message::Publish(publish) => Ok(publish),
            _ => Err(wrong),
        }
    }

    /// The memory that options hold, nearly: their lists may be long.
    fn size_of(&self, options: &Value) -> usize {
        crate::codec::to_vec(Encoding::MessagePack, options).map_or(0, |bytes| bytes.len())
    }
}

/// P-91, M-120.
fn scope(request: &Request) -> Result<Scope, (&'static str, String)> {
    match request.text_kwarg("scope")? {
        None | Some("destroyed") => Ok(Scope::Destroyed),
        Some("detached") => Ok(Scope::Detached),
        Some(_) => Err(invalid("`scope` must be detached or destroyed")),
    }
}
