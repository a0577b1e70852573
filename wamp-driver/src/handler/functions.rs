//! Functions and closures of any number of arguments as handlers.

use std::future::{Future, ready};

use wamp_proto::{Encoding, Payload};

use super::{BlockingEventHandler, BlockingHandler, EventHandler, Handler, Typed};
use crate::{
    Delivery, ErrorReply, Extract, Extraction, IntoReply, Invocation, Occasion, WampError, runtime::BoxFuture,
};

/// What handling an event gives.
pub trait Handled {
    /// Nothing, or what is logged.
    fn handled(self) -> Result<(), ErrorReply>;
}

impl Handled for () {
    fn handled(self) -> Result<(), ErrorReply> {
        Ok(())
    }
}

impl Handled for Result<(), ErrorReply> {
    fn handled(self) -> Self {
        self
    }
}

/// The handler of a [`Typed`] function.
#[derive(Debug)]
pub struct TypedShape<Shape>(Shape);

/// The arguments of a handler of a call: what is left over is the caller's mistake.
macro_rules! arguments {
    ($invocation:ident $state:ident $($arg:ident)*) => {
        take(&$invocation, |from| {
            let _state = $state;
            let args = ($($arg::extract(from, _state)?,)*);
            from.end()?;
            Ok(args)
        })
    };
}

/// The arguments of a handler of an event: it takes what it cares for.
macro_rules! event {
    ($delivery:ident $state:ident $($arg:ident)*) => {
        take(&$delivery, |_from| {
            let _state = $state;
            Ok(($($arg::extract(_from, _state)?,)*))
        })
    };
}

fn take<From: Occasion, T>(
    from: &From,
    take: impl FnOnce(&mut Extraction<'_, From>) -> Result<T, ErrorReply>,
) -> Result<T, ErrorReply> {
    take(&mut Extraction::new(from))
}

/// What the caller gets.
fn answer<T: IntoReply<Kind>, Kind, E: WampError>(
    result: Result<T, E>,
    encoding: Encoding,
) -> Result<Payload, ErrorReply> {
    Ok(result.map_err(WampError::into_reply)?.into_reply(encoding)?.0)
}

macro_rules! handlers {
    ($(($($arg:ident: $kind:ident)*))*) => {$(
        impl<Function, Future_, Output, Answer, S, $($arg, $kind,)*> Handler<(Answer, $(($arg, $kind),)*), S>
            for Function
        where
            Function: Fn($($arg,)*) -> Future_ + Send + Sync + 'static,
            Future_: Future<Output = Result<Output, ErrorReply>> + Send + 'static,
            Output: IntoReply<Answer>,
            $($arg: Extract<Invocation, $kind, S>,)*
        {
            #[allow(non_snake_case, reason = "the macro names the arguments after their types")]
            fn call(&self, invocation: Invocation, state: &S) -> BoxFuture<Result<Payload, ErrorReply>> {
                let encoding = invocation.encoding();
                let ($($arg,)*) = match arguments!(invocation state $($arg)*) {
                    Ok(args) => args,
                    Err(error) => return Box::pin(ready(Err(error))),
                };
                let result = self($($arg,)*);
                Box::pin(async move { answer(result.await, encoding) })
            }
        }

        impl<Function, Future_, Output, Error, Answer, S, $($arg, $kind,)*>
            Handler<TypedShape<(Answer, Error, $(($arg, $kind),)*)>, S> for Typed<Function>
        where
            Function: Fn($($arg,)*) -> Future_ + Send + Sync + 'static,
            Future_: Future<Output = Result<Output, Error>> + Send + 'static,
            Output: IntoReply<Answer>,
            Error: WampError,
            $($arg: Extract<Invocation, $kind, S>,)*
        {
            #[allow(non_snake_case, reason = "the macro names the arguments after their types")]
            fn call(&self, invocation: Invocation, state: &S) -> BoxFuture<Result<Payload, ErrorReply>> {
                let encoding = invocation.encoding();
                let ($($arg,)*) = match arguments!(invocation state $($arg)*) {
                    Ok(args) => args,
                    Err(error) => return Box::pin(ready(Err(error))),
                };
                let result = (self.0)($($arg,)*);
                Box::pin(async move { answer(result.await, encoding) })
            }
        }

        impl<Function, Output, Answer, S, $($arg, $kind,)*> BlockingHandler<(Answer, $(($arg, $kind),)*), S>
            for Function
        where
            Function: Fn($($arg,)*) -> Result<Output, ErrorReply> + Send + Sync + 'static,
            Output: IntoReply<Answer>,
            $($arg: Extract<Invocation, $kind, S>,)*
        {
            #[allow(non_snake_case, reason = "the macro names the arguments after their types")]
            fn call(&self, invocation: Invocation, state: &S) -> Result<Payload, ErrorReply> {
                let ($($arg,)*) = arguments!(invocation state $($arg)*)?;
                answer(self($($arg,)*), invocation.encoding())
            }
        }

        impl<Function, Output, Error, Answer, S, $($arg, $kind,)*>
            BlockingHandler<TypedShape<(Answer, Error, $(($arg, $kind),)*)>, S> for Typed<Function>
        where
            Function: Fn($($arg,)*) -> Result<Output, Error> + Send + Sync + 'static,
            Output: IntoReply<Answer>,
            Error: WampError,
            $($arg: Extract<Invocation, $kind, S>,)*
        {
            #[allow(non_snake_case, reason = "the macro names the arguments after their types")]
            fn call(&self, invocation: Invocation, state: &S) -> Result<Payload, ErrorReply> {
                let ($($arg,)*) = arguments!(invocation state $($arg)*)?;
                answer((self.0)($($arg,)*), invocation.encoding())
            }
        }

        impl<Function, Future_, S, $($arg, $kind,)*> EventHandler<($(($arg, $kind),)*), S> for Function
        where
            Function: Fn($($arg,)*) -> Future_ + Send + Sync + 'static,
            Future_: Future<Output: Handled> + Send + 'static,
            $($arg: Extract<Delivery, $kind, S>,)*
        {
            #[allow(non_snake_case, reason = "the macro names the arguments after their types")]
            fn call(&self, delivery: Delivery, state: &S) -> BoxFuture<Result<(), ErrorReply>> {
                let ($($arg,)*) = match event!(delivery state $($arg)*) {
                    Ok(args) => args,
                    Err(error) => return Box::pin(ready(Err(error))),
                };
                let result = self($($arg,)*);
                Box::pin(async move { result.await.handled() })
            }
        }

        impl<Function, Output, S, $($arg, $kind,)*> BlockingEventHandler<($(($arg, $kind),)*), S> for Function
        where
            Function: Fn($($arg,)*) -> Output + Send + Sync + 'static,
            Output: Handled,
            $($arg: Extract<Delivery, $kind, S>,)*
        {
            #[allow(non_snake_case, reason = "the macro names the arguments after their types")]
            fn call(&self, delivery: Delivery, state: &S) -> Result<(), ErrorReply> {
                let ($($arg,)*) = event!(delivery state $($arg)*)?;
                self($($arg,)*).handled()
            }
        }
    )*};
}

handlers! {
    ()
    (A: Ka)
    (A: Ka B: Kb)
    (A: Ka B: Kb C: Kc)
    (A: Ka B: Kb C: Kc D: Kd)
    (A: Ka B: Kb C: Kc D: Kd E: Ke)
    (A: Ka B: Kb C: Kc D: Kd E: Ke G: Kg)
    (A: Ka B: Kb C: Kc D: Kd E: Ke G: Kg H: Kh)
    (A: Ka B: Kb C: Kc D: Kd E: Ke G: Kg H: Kh I: Ki)
}
