//! Arguments as an application gives them, until the message is made.

use serde::Serialize;
use wamp_proto::{Dict, EncodeError, Encoding, Payload, value::to_value};

/// Positional and keyword arguments, serialized as they come; the first error is kept until somebody awaits.
#[derive(Debug)]
pub(crate) struct Arguments {
    encoding: Encoding,
    args: Option<Payload>,
    kwargs: Option<Payload>,
    /// Keyword arguments that were given one by one.
    named: Dict,
    error: Option<EncodeError>,
}

impl Arguments {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self { encoding, args: None, kwargs: None, named: Dict::new(), error: None }
    }

    pub(crate) fn args<T: Serialize>(&mut self, args: &T) {
        let payload = Payload::from_args(self.encoding, args);
        self.args = self.keep(payload);
    }

    pub(crate) fn kwargs<T: Serialize>(&mut self, kwargs: &T) {
        let payload = Payload::from_kwargs(self.encoding, kwargs);
        self.kwargs = self.keep(payload);
    }

    /// One keyword argument, unless it is null.
    pub(crate) fn kwarg<T: Serialize>(&mut self, name: &str, value: &T) {
        match to_value(value) {
            Ok(value) if value.is_null() => {}
            Ok(value) => drop(self.named.insert(name, value)),
            Err(error) => self.error = Some(error),
        }
    }

    /// A payload of its own replaces both.
    pub(crate) fn payload(&mut self, payload: Payload) {
        (self.args, self.kwargs) = (Some(payload), None);
    }

    pub(crate) fn finish(self) -> Result<Payload, EncodeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let kwargs = match self.kwargs {
            kwargs if self.named.is_empty() => kwargs,
            kwargs => {
                let mut all = kwargs.as_ref().map_or_else(|| Ok(Dict::new()), Payload::dict)?;
                all.extend(self.named);
                Some(Payload::from_kwargs(self.encoding, &all)?)
            }
        };
        match (self.args, kwargs) {
            (None, None) => Ok(Payload::empty()),
            (Some(payload), None) | (None, Some(payload)) => Ok(payload),
            (Some(args), Some(kwargs)) => Ok(args.with_kwargs_of(&kwargs)?),
        }
    }

    fn keep(&mut self, payload: Result<Payload, EncodeError>) -> Option<Payload> {
        payload.map_err(|error| self.error = Some(error)).ok()
    }
}
