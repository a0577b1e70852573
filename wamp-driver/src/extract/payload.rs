//! Arguments.

use serde::de::{DeserializeOwned, DeserializeSeed, SeqAccess, value::SeqAccessDeserializer};
use wamp_proto::{DecodeError, codec::Deserializer};

use super::{Extract, Extraction, Occasion, Special};
use crate::{Delivery, ErrorReply, Event, Invocation};

/// The positional arguments that are left, all in one: a tuple, a list or a struct by position.
///
/// ```
/// use wamp_driver::Args;
///
/// # fn example(client: wamp_driver::Client) {
/// let _ = client.register("com.example.sum", |Args(numbers): Args<Vec<i64>>| async move {
///     Ok(numbers.iter().sum::<i64>())
/// });
/// # }
/// ```
///
/// As a result, the positional results: see [`IntoReply`](crate::IntoReply).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Args<T>(pub T);

/// The keyword arguments, all in one: a struct or a map.
///
/// ```
/// use serde::Deserialize;
/// use wamp_driver::Kwargs;
///
/// #[derive(Deserialize)]
/// struct Options {
///     room: Option<String>,
///     days: u8,
/// }
///
/// # fn example(client: wamp_driver::Client) {
/// let _ = client.register("com.example.history", |Kwargs(options): Kwargs<Options>| async move {
///     Ok(format!("{} days of {:?}", options.days, options.room))
/// });
/// # }
/// ```
///
/// As a result, the keyword results: see [`IntoReply`](crate::IntoReply).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kwargs<T>(pub T);

/// A positional argument.
#[derive(Debug)]
pub struct Positional;

impl<F: Occasion, S, T: DeserializeOwned> Extract<F, Positional, S> for T {
    fn extract(from: &mut Extraction<'_, F>, _: &S) -> Result<Self, ErrorReply> {
        from.positional()
    }
}

impl<F: Occasion, S, T: DeserializeOwned> Extract<F, Special, S> for Args<T> {
    fn extract(from: &mut Extraction<'_, F>, _: &S) -> Result<Self, ErrorReply> {
        T::deserialize(SeqAccessDeserializer::new(Rest(from)))
            .map(Self)
            .map_err(|error| ErrorReply::invalid_argument(format_args!("arguments: {error}")))
    }
}

impl<F: Occasion, S, T: DeserializeOwned> Extract<F, Special, S> for Kwargs<T> {
    fn extract(from: &mut Extraction<'_, F>, _: &S) -> Result<Self, ErrorReply> {
        let kwargs = from.occasion().payload().kwargs();
        kwargs
            .map(Self)
            .map_err(|error| ErrorReply::invalid_argument(format_args!("keyword arguments: {error}")))
    }
}

impl<S> Extract<Self, Special, S> for Invocation {
    fn extract(from: &mut Extraction<'_, Self>, _: &S) -> Result<Self, ErrorReply> {
        Ok(from.whole().clone())
    }
}

impl<S> Extract<Self, Special, S> for Delivery {
    fn extract(from: &mut Extraction<'_, Self>, _: &S) -> Result<Self, ErrorReply> {
        Ok(from.whole().clone())
    }
}

impl<S> Extract<Delivery, Special, S> for Event {
    fn extract(from: &mut Extraction<'_, Delivery>, _: &S) -> Result<Self, ErrorReply> {
        Ok(from.whole().event().clone())
    }
}

/// The arguments that are left, for serde.
struct Rest<'e, 'a, F>(&'e mut Extraction<'a, F>);

impl<'a, F: Occasion> SeqAccess<'a> for Rest<'_, 'a, F> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(reader) = self.0.reader()? else { return Ok(None) };
        let item = seed.deserialize(Deserializer::new(reader))?;
        self.0.taken += 1;
        Ok(Some(item))
    }
}
