//! What is wrong with a configuration file, and where.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::check::{Wrong, locate};

/// A configuration file that cannot be used: which, where in it, and what to do.
///
/// Shown as `router.toml:12:5: unknown key ...`, as editors and compilers have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The file, if it is one.
    pub path: Option<PathBuf>,
    /// Line and column, both from 1, if they are known.
    pub position: Option<(usize, usize)>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}", path.display())?,
            None => f.write_str("configuration")?,
        }
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for ConfigError {}

/// Where a configuration comes from, to tell where in it something is wrong. The text has secrets: `Debug` does not show it.
#[derive(Clone, Default)]
pub(super) struct Source {
    pub(super) path: Option<PathBuf>,
    /// The text, if it is TOML; JSON has no places.
    pub(super) toml: String,
}

impl Source {
    /// What relative paths are relative to.
    pub(super) fn folder(&self) -> &Path {
        let folder = self.path.as_deref().and_then(Path::parent);
        folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
    }

    pub(super) fn error(&self, wrong: &Wrong) -> ConfigError {
        ConfigError {
            path: self.path.clone(),
            position: locate(&self.toml, &wrong.place).map(|at| position(&self.toml, at)),
            what: wrong.to_string(),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(..)")
    }
}

/// serde's text about a key or a value that it does not know, with the known one that was probably meant.
pub(super) fn with_suggestion(message: &str) -> String {
    let quoted = message.split('`').skip(1).step_by(2).collect::<Vec<_>>();
    let (Some((unknown, known)), true) = (quoted.split_first(), message.starts_with("unknown ")) else {
        return message.to_owned();
    };
    let message =
        message.replacen("unknown field", "unknown key", 1).replacen("unknown variant", "unknown value", 1);
    match closest(unknown, known.iter().copied()) {
        Some(meant) => format!("{message}; did you mean `{meant}`?"),
        None => message,
    }
}

/// The one of these that looks most like `word`, if any does.
pub(super) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |known: &&str| strsim::damerau_levenshtein(word, known);
    let meant = known.into_iter().min_by_key(distance)?;
    (distance(&meant) <= 1 + word.chars().count() / 4).then_some(meant)
}

/// Line and column of a byte of the text, from 1; columns count characters.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        let message = "unknown field `lisen`, expected one of `listen`, `realms`";
        assert!(with_suggestion(message).ends_with("did you mean `listen`?"));
        assert!(with_suggestion(message).starts_with("unknown key"));
        let far = "unknown field `xyzzy`, expected one of `listen`, `realms`";
        assert!(!with_suggestion(far).contains("did you mean"));
        assert_eq!(with_suggestion("something `else`"), "something `else`");
    }

    #[test]
    fn positions() {
        assert_eq!(position("ab\ncde", 0), (1, 1));
        assert_eq!(position("ab\ncde", 4), (2, 2));
        assert_eq!(position("äb\n", 3), (1, 3));
        assert_eq!(position("ab", 99), (1, 3));
    }
}
