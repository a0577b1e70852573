//! What a handler is given when it is registered.

use super::{Extract, Extraction, Special};
use crate::ErrorReply;

/// What the handler was given by [`with_state`](crate::with_state): a clone for each call, so most often an `Arc`.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use wamp_driver::{State, with_state};
///
/// type Log = Arc<Mutex<Vec<String>>>;
///
/// async fn append(State(log): State<Log>, line: String) -> Result<usize, wamp_driver::ErrorReply> {
///     let mut log = log.lock().unwrap();
///     log.push(line);
///     Ok(log.len())
/// }
///
/// # fn example(client: wamp_driver::Client) {
/// let _ = client.register("com.example.log", with_state(Log::default(), append));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State<S>(pub S);

impl<F, S: Clone> Extract<F, Special, S> for State<S> {
    fn extract(_: &mut Extraction<'_, F>, state: &S) -> Result<Self, ErrorReply> {
        Ok(Self(state.clone()))
    }
}
