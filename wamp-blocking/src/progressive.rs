//! Calls whose results, or arguments, come in parts.

use wamp_driver::{CallResult, CallStream, Error, LastResult, Part, Parts};

use crate::runtime::block_on;

/// The results of a call: the progressive ones, with `details.progress`, and then the last one. An iterator; dropping it
/// before its end cancels the call.
///
/// ```no_run
/// # use wamp_blocking::{Client, Wait as _};
/// # fn example(client: Client) -> Result<(), wamp_blocking::Error> {
/// for percent in client.call("com.example.import").args(("file",)).progressive().wait()? {
///     println!("{} %", percent?.value::<u8>()?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Results(pub(crate) CallStream);

impl Results {
    /// The last result, whatever comes before it.
    pub fn result(self) -> LastResult {
        self.0.result()
    }
}

impl Iterator for Results {
    type Item = Result<CallResult, Error>;

    /// Waits for the next result; `None` after the last one.
    fn next(&mut self) -> Option<Self::Item> {
        block_on(self.0.next(), None).flatten()
    }
}

/// The further arguments of a call that its caller sends in parts, an iterator: `invocation.parts().wait()`. It ends after
/// the last part; when the caller gives up before, the last item is an error.
#[derive(Debug)]
pub struct Arguments(pub(crate) Parts);

impl Iterator for Arguments {
    type Item = Result<Part, Error>;

    /// Waits for the next part.
    fn next(&mut self) -> Option<Self::Item> {
        block_on(self.0.next(), None).flatten()
    }
}
