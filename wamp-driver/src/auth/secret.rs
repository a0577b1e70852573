//! Where a client's secrets come from.

use std::{env, fmt, fs, path::PathBuf, sync::Arc};

use wamp_proto::auth;

use super::BoxError;
use crate::{ConnectError, environment};

/// Where a secret comes from; it is read anew for every connection. A text is one by itself: `Ticket::new("joe", "secret")`.
///
/// ```
/// use wamp_driver::auth::Secret;
///
/// let secret = Secret::env("JOES_SECRET");
/// assert_eq!(format!("{secret:?}"), "Secret(the environment variable JOES_SECRET)");
/// assert_eq!(format!("{:?}", Secret::literal("12345")), "Secret(..)");
/// ```
#[derive(Clone)]
pub struct Secret(Source);

#[derive(Clone)]
enum Source {
    Literal(auth::Secret),
    /// The first of these variables that is set.
    Env(Vec<String>),
    File(PathBuf),
    Callback(Arc<dyn Fn() -> Result<String, BoxError> + Send + Sync>),
}

impl Secret {
    /// This text.
    pub fn literal(secret: impl Into<String>) -> Self {
        Self(Source::Literal(secret.into().into()))
    }

    /// An environment variable.
    pub fn env(name: impl Into<String>) -> Self {
        Self(Source::Env(vec![name.into()]))
    }

    /// The environment variable `WAMP_SECRET` or, for those who come from wampy, `WAMPYSECRET`.
    pub fn from_env() -> Self {
        Self(Source::Env([environment::SECRET, environment::WAMPY_SECRET].map(str::to_owned).into()))
    }

    /// A file's text, without the end of its last line.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// What a function gives: it must not take long.
    pub fn callback(read: impl Fn() -> Result<String, BoxError> + Send + Sync + 'static) -> Self {
        Self(Source::Callback(Arc::new(read)))
    }

    /// The secret itself, read now.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Secret`] says where it was to come from, and why it does not.
    pub fn read(&self) -> Result<auth::Secret, ConnectError> {
        let missing = |why: String| self.unusable(why);
        match &self.0 {
            Source::Literal(secret) => Ok(secret.clone()),
            Source::Env(names) => names
                .iter()
                .find_map(|name| env::var(name).ok())
                .map(Into::into)
                .ok_or_else(|| missing("it is not set".to_owned())),
            Source::File(path) => {
                let text = fs::read_to_string(path).map_err(|error| missing(error.to_string()))?;
                // The text is a secret too.
                let text = auth::Secret::from(text);
                let line = text.expose_text().unwrap_or_default();
                let line = line.strip_suffix('\n').unwrap_or(line);
                Ok(line.strip_suffix('\r').unwrap_or(line).into())
            }
            Source::Callback(read) => read().map(Into::into).map_err(|error| missing(error.to_string())),
        }
    }

    /// What is wrong with it, which must not show it.
    pub(super) fn unusable(&self, why: impl Into<String>) -> ConnectError {
        ConnectError::Secret { from: self.place(), why: why.into() }
    }

    /// Where it comes from, for people.
    fn place(&self) -> String {
        match &self.0 {
            Source::Literal(_) => "the text that was given".to_owned(),
            Source::Env(names) => format!("the environment variable {}", names.join(" or ")),
            Source::File(path) => format!("the file {}", path.display()),
            Source::Callback(_) => "a function of the application".to_owned(),
        }
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::literal(secret)
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self::literal(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Literal(_) => f.write_str("Secret(..)"),
            _ => write!(f, "Secret({})", self.place()),
        }
    }
}
