//! Settings that are kept under a name, in a file of the user. The file holds no secrets: it says where they are.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use wamp_tokio::auth::Secret;

use crate::{
    args::{AuthMethod, Globals, Serializer, StoredSecrets},
    exit::Failure,
    login,
};

/// All contexts.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The one that is used when nobody says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) selected: Option<String>,
    /// By their names.
    pub(crate) contexts: BTreeMap<String, Settings>,
}

/// One context.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) realm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serializer: Option<Serializer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authid: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) authmethod: Vec<AuthMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) router_key: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cacert: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) private_key: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket: Option<Source>,
}

/// Where a secret is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", try_from = "Written")]
pub(crate) enum Source {
    /// In this file.
    File(PathBuf),
    /// In this environment variable.
    Env(String),
}

/// A source as it may be written; what it is instead, nobody is told, as that may be the secret.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    File { file: PathBuf },
    Env { env: String },
    Other(IgnoredAny),
}

impl TryFrom<Written> for Source {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::File { file } => Ok(Self::File(file)),
            Written::Env { env } => Ok(Self::Env(env)),
            Written::Other(_) => {
                Err("secrets are not kept here: say { file = \"..\" } or { env = \"..\" } instead")
            }
        }
    }
}

impl From<Source> for Secret {
    fn from(source: Source) -> Self {
        match source {
            Source::File(path) => Self::file(path),
            Source::Env(name) => Self::env(name),
        }
    }
}

impl Contexts {
    /// Reads the file; there are none when there is no file.
    pub(crate) fn read() -> Result<Self, Failure> {
        let path = path()?;
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                // Not the line itself: somebody may have written a secret there.
                let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count());
                Failure::usage(format!("{}, line {line}: {}", path.display(), error.message()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::usage(format!("cannot read {}: {error}", path.display()))),
        }
    }

    /// Writes the file, for nobody but the user.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let path = path()?;
        let text = toml::to_string(self)
            .map_err(|error| Failure::new(crate::exit::Code::Internal, error.to_string()))?;
        replace(&path, &text)
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))
    }

    /// A context by its name.
    pub(crate) fn get(&self, name: &str) -> Result<&Settings, Failure> {
        self.contexts.get(name).ok_or_else(|| {
            let known = self.contexts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            Failure::usage(format!("there is no context `{name}`; there are: {known}"))
        })
    }
}

/// Fills in what neither the flags nor the environment say.
pub(crate) fn fill(globals: &mut Globals) -> Result<(), Failure> {
    // A service of the system may have no home: it has no contexts, and has not asked for one.
    if globals.context.is_none() && path().is_err() {
        return Ok(());
    }
    let contexts = Contexts::read()?;
    if let Some(name) = globals.context.as_ref().or(contexts.selected.as_ref()) {
        contexts.get(name)?.clone().fill(globals)?;
    }
    Ok(())
}

impl Settings {
    fn fill(self, globals: &mut Globals) -> Result<(), Failure> {
        or(&mut globals.url, self.url);
        if globals.realm.is_empty() {
            globals.realm.extend(self.realm);
        }
        or(&mut globals.serializer, self.serializer);
        if globals.tls.cacert.is_empty() {
            globals.tls.cacert = self.cacert;
        }
        if globals.tls.cert.is_none() && globals.tls.key.is_none() {
            (globals.tls.cert, globals.tls.key) = (self.cert, self.key);
        }
        or(&mut globals.tls.server_name, self.server_name);
        let login = &mut globals.login;
        // Who says with a flag who one is does not want to be somebody else besides.
        if !login::has_secret(login) {
            let secret = |source: Option<Source>| source.map(Secret::from);
            login.stored = StoredSecrets {
                private_key: secret(self.private_key),
                password: secret(self.password),
                secret: secret(self.secret),
                ticket: secret(self.ticket),
            };
            if login.authmethod.is_empty() {
                login.authmethod = self.authmethod;
            }
        }
        or(&mut login.authid, self.authid);
        let key = self.router_key.as_deref().map(str::parse).transpose();
        or(&mut login.router_key, key.map_err(|error| Failure::usage(format!("router_key: {error}")))?);
        Ok(())
    }
}

fn or<T>(setting: &mut Option<T>, other: Option<T>) {
    if setting.is_none() {
        *setting = other;
    }
}

/// Where the file is: in `$XDG_CONFIG_HOME`, or else in `~/.config`.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    let directory = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = directory("XDG_CONFIG_HOME")
        .or_else(|| directory("APPDATA"))
        .or_else(|| directory("HOME").map(|home| home.join(".config")))
        .ok_or_else(|| Failure::usage("nobody says where the contexts are: set HOME or XDG_CONFIG_HOME"))?;
    Ok(base.join("wamp").join("contexts.toml"))
}

/// Nobody ever sees half of the file, and nobody else sees it at all.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| file.write_all(text.as_bytes()));
    written.and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    })
}
