//! What a handler can take out of a call or an event, by the types of its arguments.

mod about;
mod payload;
mod state;

use std::{fmt, sync::Arc};

use serde::Deserialize;
use wamp_proto::{
    DecodeError, Encoding, Payload,
    codec::{self, Deserializer, Reader},
};

use crate::{Client, ErrorReply, Event, Invocation, shared::Shared};

pub use about::{Caller, Details, EventDetails};
pub use payload::{Args, Kwargs};
pub use state::State;

/// A type that an argument of a handler may have.
///
/// | type | what it is | in a call | in an event |
/// |---|---|---|---|
/// | any that can be deserialized | the next positional argument | yes | yes |
/// | [`Args<T>`] | all positional arguments that are left, as a tuple or list | yes | yes |
/// | [`Kwargs<T>`] | the keyword arguments, as a struct or map | yes | yes |
/// | [`State<S>`] | what the handler was given by [`with_state`](crate::with_state) | yes | yes |
/// | `Client` | the client that serves, to call and publish | yes | yes |
/// | [`Invocation`], [`Event`] | the whole of it | yes | yes |
/// | [`Details`], [`EventDetails`] | what the router says about it | yes | yes |
/// | [`Caller`], `Option<Caller>` | who calls, or published, if disclosed | yes | yes |
/// | [`Progress<T>`](crate::Progress) | where progressive results go | yes | |
///
/// The positional arguments must be as many as the handler takes. A handler that takes none of them, but an [`Invocation`],
/// [`Event`] or [`Args`], looks after them itself.
///
/// Others can be written: `From` is [`Invocation`] or [`Delivery`], `Kind` a type of your own, and `S` the state.
///
/// ```
/// use wamp_driver::{ErrorReply, Extract, Extraction, Invocation};
///
/// /// The language that the caller wants, by the keyword argument `lang`.
/// struct Language(String);
///
/// enum OfCaller {}
///
/// impl<S> Extract<Invocation, OfCaller, S> for Language {
///     fn extract(from: &mut Extraction<'_, Invocation>, _: &S) -> Result<Self, ErrorReply> {
///         Ok(Self(from.kwarg::<Option<String>>("lang")?.unwrap_or_else(|| "en".to_owned())))
///     }
/// }
/// # fn example(client: wamp_driver::Client) {
/// let _ = client.register("com.example.greet", |name: String, Language(lang): Language| async move {
///     Ok(if lang == "de" { format!("Hallo, {name}") } else { format!("Hello, {name}") })
/// });
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot take a `{Self}`",
    label = "not something that a `{From}` gives",
    note = "an argument can be deserialized (`serde::Deserialize`, without borrowing), or is one of `Args`, `Kwargs`, `State`, `Client`, `Details`, `Caller`, `Progress`, `Invocation` for procedures, `EventDetails`, `Event` for events"
)]
pub trait Extract<From, Kind, S = ()>: Sized {
    /// Takes it.
    ///
    /// # Errors
    ///
    /// When it is not there: what a caller is answered; for an event, what is logged.
    fn extract(from: &mut Extraction<'_, From>, state: &S) -> Result<Self, ErrorReply>;
}

/// What is no positional argument.
#[derive(Debug)]
pub struct Special;

/// What a handler is called for: an [`Invocation`] or a [`Delivery`], and nothing else.
pub trait Occasion: sealed::Occasion {
    /// The arguments.
    fn payload(&self) -> &Payload;

    /// The client that it came to, unless nobody uses that any more.
    fn client(&self) -> Option<Client>;
}

mod sealed {
    pub trait Occasion {}

    impl Occasion for super::Invocation {}
    impl Occasion for super::Delivery {}
}

/// An event on its way to a handler.
#[derive(Clone, Debug)]
pub struct Delivery {
    event: Event,
    shared: Arc<Shared>,
}

impl Delivery {
    pub(crate) fn new(event: Event, shared: Arc<Shared>) -> Self {
        Self { event, shared }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }
}

impl Occasion for Delivery {
    fn payload(&self) -> &Payload {
        &self.event.payload
    }

    fn client(&self) -> Option<Client> {
        self.shared.client()
    }
}

impl Occasion for Invocation {
    fn payload(&self) -> &Payload {
        &self.payload
    }

    fn client(&self) -> Option<Client> {
        self.shared.client()
    }
}

/// The arguments of a call or an event while they are taken one after the other.
#[derive(Debug)]
pub struct Extraction<'a, From> {
    from: &'a From,
    positional: Positional<'a>,
    taken: usize,
    /// The name of the argument that is being taken, if it has one.
    name: Option<&'static str>,
}

/// Where in the positional arguments we are.
#[derive(Debug)]
enum Positional<'a> {
    Untouched,
    At(Reader<'a>),
    /// None are left, or somebody takes them on their own.
    Over,
}

impl<'a, From: Occasion> Extraction<'a, From> {
    /// Nothing is taken yet.
    pub fn new(from: &'a From) -> Self {
        Self { from, positional: Positional::Untouched, taken: 0, name: None }
    }

    /// The whole of it. The positional arguments are then no business of the [`end`](Self::end).
    pub fn whole(&mut self) -> &'a From {
        if let Positional::Untouched = self.positional {
            self.positional = Positional::Over;
        }
        self.from
    }

    /// The call or the event, to look at.
    pub fn occasion(&self) -> &'a From {
        self.from
    }

    /// The next argument of a handler, which is called `name` there; see [`Extract`] for what it may be.
    ///
    /// # Errors
    ///
    /// When it is not there, with a text that names it.
    pub fn take<T: Extract<From, Kind>, Kind>(&mut self, name: &'static str) -> Result<T, ErrorReply> {
        self.name = Some(name);
        let taken = T::extract(self, &());
        self.name = None;
        taken
    }

    /// The next positional argument.
    ///
    /// # Errors
    ///
    /// `wamp.error.invalid_argument` when there is none, or it is of another type.
    pub fn positional<T: Deserialize<'a>>(&mut self) -> Result<T, ErrorReply> {
        self.taken += 1;
        let which = Which { number: self.taken, name: self.name };
        match self.reader().map_err(|error| which.wrong(error))? {
            Some(reader) => T::deserialize(Deserializer::new(reader)).map_err(|error| which.wrong(error)),
            None => Err(which.missing::<T>()),
        }
    }

    /// A keyword argument; `None` when it is absent and `T` is an `Option`.
    ///
    /// # Errors
    ///
    /// `wamp.error.invalid_argument` when there is none, or it is of another type.
    pub fn kwarg<T: Deserialize<'a>>(&self, name: &str) -> Result<T, ErrorReply> {
        self.from
            .payload()
            .kwarg(name)
            .map_err(|error| ErrorReply::invalid_argument(format_args!("keyword argument `{name}`: {error}")))
    }

    /// Nothing more is taken.
    ///
    /// # Errors
    ///
    /// `wamp.error.invalid_argument` when there are more positional arguments.
    pub fn end(&mut self) -> Result<(), ErrorReply> {
        let taken = self.taken;
        match self.reader() {
            Ok(None) => Ok(()),
            Ok(Some(_)) if taken == 0 => Err(ErrorReply::invalid_argument("no arguments are expected")),
            Ok(Some(_)) => Err(ErrorReply::invalid_argument(format_args!(
                "too many arguments: {taken} {} expected",
                if taken == 1 { "is" } else { "are" }
            ))),
            Err(error) => Err(ErrorReply::invalid_argument(error)),
        }
    }

    /// The reader, when there is another positional argument.
    fn reader(&mut self) -> Result<Option<&mut Reader<'a>>, DecodeError> {
        if let Positional::Untouched = self.positional {
            let payload = self.from.payload();
            self.positional = match payload.args_raw() {
                None => Positional::Over,
                Some(args) => {
                    let mut reader = Reader::new(payload.encoding(), args);
                    reader.list()?;
                    Positional::At(reader)
                }
            };
        }
        let more = match &mut self.positional {
            Positional::At(reader) => reader.item()?,
            _ => false,
        };
        if !more {
            self.positional = Positional::Over;
        }
        Ok(match &mut self.positional {
            Positional::At(reader) => Some(reader),
            _ => None,
        })
    }
}

/// A positional argument, as its caller is told of it.
#[derive(Clone, Copy)]
struct Which {
    number: usize,
    name: Option<&'static str>,
}

impl Which {
    fn wrong(self, error: DecodeError) -> ErrorReply {
        ErrorReply::invalid_argument(format_args!("{self}: {error}"))
    }

    /// The deserializer says what it would rather have than nothing.
    fn missing<'a, T: Deserialize<'a>>(self) -> ErrorReply {
        match codec::from_slice::<T>(Encoding::Json, b"null") {
            Err(error) => ErrorReply::invalid_argument(format_args!("{self} is missing: {error}")),
            Ok(_) => ErrorReply::invalid_argument(format_args!("{self} is missing")),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "argument {} (`{name}`)", self.number),
            None => write!(f, "argument {}", self.number),
        }
    }
}
