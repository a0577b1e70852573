//! A router's configuration as a file, in TOML or JSON: listeners, realms, roles, users, limits.
//!
//! It is strict: a key that is not known is an error with line and column and a suggestion, and so is a role, a realm or a
//! certificate that is not there. Everything that is not allowed is denied.
//!
//! ```
//! use wamp_driver::config::ConfigFile;
//!
//! let file = ConfigFile::parse_toml(r#"
//!     [[listeners]]
//!     url = "ws://127.0.0.1:8080"
//!
//!     [realms.realm1]
//!     anonymous = "guest"
//!
//!     [roles.guest]
//!     rules = [{ uri = "com.example.", match = "prefix", allow = ["call", "subscribe"] }]
//!
//!     [users.joe]
//!     role = "guest"
//!     ticket = { env = "JOE_TICKET" }
//! "#)?;
//! assert_eq!(file.users["joe"].role, "guest");
//!
//! let error = ConfigFile::parse_toml("[realms.realm1]\nanonymus = 'guest'").unwrap_err();
//! assert!(error.to_string().contains(":2:1: unknown key `anonymus`"));
//! assert!(error.to_string().contains("did you mean `anonymous`?"));
//! # Ok::<(), wamp_driver::config::ConfigError>(())
//! ```

mod build;
mod check;
mod error;
mod file;
#[cfg(test)]
mod tests;
mod values;

use std::{fs, path::Path};

use serde::de::DeserializeOwned;

pub use error::ConfigError;
pub use file::{
    ActionName, ClientCertificates, ConfigFile, CraEntry, DiscloseName, DisclosureEntry, DisclosureName,
    HistoryEntry, HttpEntry, KdfName, LevelName, LimitsEntry, ListenerEntry, LogEntry, LogFormat, MatchName,
    Method, ProcedureEntry, RealmEntry, RoleEntry, RuleEntry, ScramEntry, SerializerName, SlowSubscriberName,
    TlsEntry, TransportName, UserEntry,
};
pub use values::{SecretText, Size, Text, Time};

use error::{Source, position, with_suggestion};

/// Reads a TOML file of another kind as strictly: `check` says what is wrong that is well-formed, and at which byte.
///
/// # Errors
///
/// When it cannot be read, or parsed.
pub fn read_toml<T: DeserializeOwned>(
    path: &Path,
    check: impl FnOnce(&T) -> Result<(), (usize, String)>,
) -> Result<T, ConfigError> {
    let at = |error: ConfigError| ConfigError { path: Some(path.to_owned()), ..error };
    parse_toml(&read_text(path).map_err(at)?, check).map_err(at)
}

/// The same, for a text.
///
/// # Errors
///
/// When it is not well-formed, has a key that `T` does not know, or does not stand the check.
pub fn parse_toml<T: DeserializeOwned>(
    text: &str,
    check: impl FnOnce(&T) -> Result<(), (usize, String)>,
) -> Result<T, ConfigError> {
    let wrong =
        |at: Option<usize>, what| ConfigError { path: None, position: at.map(|at| position(text, at)), what };
    let file = toml::from_str(text)
        .map_err(|error| wrong(error.span().map(|span| span.start), with_suggestion(error.message())))?;
    check(&file).map_err(|(at, what)| wrong(Some(at), what))?;
    Ok(file)
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| ConfigError {
        path: None,
        position: None,
        what: error.to_string(),
    })
}

impl ConfigFile {
    /// Reads a file: JSON if its name ends in `.json`, else TOML.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is not well-formed, or says something that makes no sense.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let at = |error: ConfigError| ConfigError { path: Some(path.to_owned()), ..error };
        let text = read_text(path).map_err(at)?;
        let json = path.extension().is_some_and(|extension| extension == "json");
        let mut file = if json { Self::parse_json(&text) } else { Self::parse_toml(&text) }.map_err(at)?;
        file.source.path = Some(path.to_owned());
        Ok(file)
    }

    /// Reads the text of a TOML file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn parse_toml(text: &str) -> Result<Self, ConfigError> {
        let mut file: Self = parse_toml(text, |_| Ok(()))?;
        file.source = Source { path: None, toml: text.to_owned() };
        file.check().map_err(|wrong| file.source.error(&wrong))?;
        Ok(file)
    }

    /// Reads the text of a JSON file.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn parse_json(text: &str) -> Result<Self, ConfigError> {
        let file: Self = serde_json::from_str(text).map_err(|error| {
            let what = error.to_string();
            let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
            let position = Some((error.line(), error.column()));
            ConfigError { path: None, position, what: with_suggestion(what) }
        })?;
        file.check().map_err(|wrong| file.source.error(&wrong))?;
        Ok(file)
    }

    /// The JSON schema of a configuration file, for editors.
    pub fn json_schema() -> String {
        let schema = schemars::schema_for!(Self);
        serde_json::to_string_pretty(&schema).unwrap_or_default()
    }
}
