//! From the flags and the environment to the proofs of who one is.

use std::{
    env,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use wamp_tokio::{
    auth::Secret,
    environment::{self, Environment},
    proto,
};

use crate::{
    args::{Globals, Login, StoredSecrets},
    exit::Failure,
    value,
};

/// One of the secrets, with the names that people know it by.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Its flag; the file's has `-file` behind it.
    flag: &'static str,
    variables: &'static [&'static str],
    flags: fn(&Login) -> (&Option<Secret>, &Option<PathBuf>),
    stored: fn(&StoredSecrets) -> &Option<Secret>,
}

/// The private key of cryptosign.
pub(crate) const PRIVATE_KEY: Kind = Kind {
    flag: "--private-key",
    variables: &[environment::PRIVATE_KEY],
    flags: |login| (&login.private_key, &login.private_key_file),
    stored: |stored| &stored.private_key,
};

/// The password of WAMP-SCRAM.
pub(crate) const PASSWORD: Kind = Kind {
    flag: "--password",
    variables: &[environment::PASSWORD],
    flags: |login| (&login.password, &login.password_file),
    stored: |stored| &stored.password,
};

/// The shared secret of WAMP-CRA. Those who come from wampy have it in another variable.
pub(crate) const SECRET: Kind = Kind {
    flag: "--secret",
    variables: &[environment::SECRET, environment::WAMPY_SECRET],
    flags: |login| (&login.secret, &login.secret_file),
    stored: |stored| &stored.secret,
};

/// A ticket.
const TICKET: Kind = Kind {
    flag: "--ticket",
    variables: &[environment::TICKET],
    flags: |login| (&login.ticket, &login.ticket_file),
    stored: |stored| &stored.ticket,
};

const KINDS: [Kind; 4] = [PRIVATE_KEY, PASSWORD, SECRET, TICKET];

impl Kind {
    /// Where the secret is, if it is given at all: a flag beats the environment, which beats the context.
    pub(crate) fn find(self, login: &Login) -> Result<Option<Secret>, Failure> {
        let flag = self.flag;
        match (self.flags)(login) {
            (Some(_), Some(_)) => Err(Failure::usage(format!("give {flag} or {flag}-file, not both"))),
            (Some(secret), None) => Ok(Some(secret.clone())),
            (None, Some(path)) if path == Path::new("-") => stdin().map(Some),
            (None, Some(path)) => Ok(Some(Secret::file(path))),
            (None, None) => {
                Ok(self.variable().map(Secret::env).or_else(|| (self.stored)(&login.stored).clone()))
            }
        }
    }

    /// The secret itself, which must be given.
    pub(crate) fn read(self, login: &Login) -> Result<proto::auth::Secret, Failure> {
        let secret = self.find(login)?.ok_or_else(|| self.missing())?;
        Ok(secret.read()?)
    }

    /// A flag or the environment says where it is.
    fn is_given(self, login: &Login) -> bool {
        let (literal, file) = (self.flags)(login);
        literal.is_some() || file.is_some() || self.variable().is_some()
    }

    /// An empty variable is one that is not set.
    fn variable(self) -> Option<&'static str> {
        self.variables.iter().copied().find(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
    }

    fn missing(self) -> Failure {
        let (flag, variable) = (self.flag, self.variables.join(" or "));
        Failure::usage(format!("there is no secret: set {variable}, or give {flag}-file or {flag}"))
    }
}

/// A flag or the environment has a secret.
pub(crate) fn has_secret(login: &Login) -> bool {
    KINDS.iter().any(|kind| kind.is_given(login))
}

/// Where to connect, who joins and how TLS is spoken: what the flags, the environment and the context come to, which the driver
/// makes a connection of as it does of the variables that programs read.
pub(crate) fn environment(globals: &Globals) -> Result<Environment, Failure> {
    let Globals { login, tls, .. } = globals;
    one_stdin(login)?;
    let mut environment = Environment::default();
    environment.url = Some(globals.url().to_owned());
    environment.realm = globals.realm.first().cloned();
    environment.serializer = globals.serializer.map(Into::into);
    environment.authid = login.authid.clone();
    environment.methods = login.authmethod.iter().copied().map(Into::into).collect();
    environment.private_key = PRIVATE_KEY.find(login)?;
    environment.password = PASSWORD.find(login)?;
    environment.secret = SECRET.find(login)?;
    environment.ticket = TICKET.find(login)?;
    environment.channel_binding = login.channel_binding.clone();
    environment.router_key = login.router_key;
    environment.insecurely_allow_readable_ticket = login.insecurely_allow_readable_ticket;
    environment.insecurely_allow_guessable_secret = login.insecurely_allow_guessable_secret;
    environment.cacert = tls.cacert.clone();
    (environment.cert, environment.key) = (tls.cert.clone(), tls.key.clone());
    environment.server_name = tls.server_name.clone();
    Ok(environment)
}

/// There is one stdin, and it is read once.
fn one_stdin(login: &Login) -> Result<(), Failure> {
    let from_stdin = |kind: &&Kind| (kind.flags)(login).1.as_deref() == Some(Path::new("-"));
    match KINDS.iter().filter(from_stdin).count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::usage("only one secret can come from stdin")),
    }
}

/// A line from stdin, without its end: read once, however many sessions there are.
fn stdin() -> Result<Secret, Failure> {
    static LINE: OnceLock<Secret> = OnceLock::new();
    if let Some(secret) = LINE.get() {
        return Ok(secret.clone());
    }
    let bytes = value::bytes_of(Path::new("-"))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage("the secret on stdin is no text"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let secret = Secret::literal(line.strip_suffix('\r').unwrap_or(line));
    Ok(LINE.get_or_init(|| secret).clone())
}
