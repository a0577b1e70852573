//! From the flags and the environment to the proofs of who one is.

use std::{
    env,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use wamp_tokio::{
    Connect,
    auth::{Anonymous, Auth, Certificate, Cra, Cryptosign, Scram, Secret, Ticket},
    proto,
};

use crate::{
    args::{AuthMethod, Globals, Login, StoredSecrets, Tls},
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
    variables: &["WAMP_PRIVATE_KEY"],
    flags: |login| (&login.private_key, &login.private_key_file),
    stored: |stored| &stored.private_key,
};

/// The password of WAMP-SCRAM.
pub(crate) const PASSWORD: Kind = Kind {
    flag: "--password",
    variables: &["WAMP_PASSWORD"],
    flags: |login| (&login.password, &login.password_file),
    stored: |stored| &stored.password,
};

/// The shared secret of WAMP-CRA. Those who come from wampy have it in another variable.
pub(crate) const SECRET: Kind = Kind {
    flag: "--secret",
    variables: &["WAMP_SECRET", "WAMPYSECRET"],
    flags: |login| (&login.secret, &login.secret_file),
    stored: |stored| &stored.secret,
};

/// A ticket.
const TICKET: Kind = Kind {
    flag: "--ticket",
    variables: &["WAMP_TICKET"],
    flags: |login| (&login.ticket, &login.ticket_file),
    stored: |stored| &stored.ticket,
};

/// The methods that have a secret, the strongest first.
const STRONGEST_FIRST: [(AuthMethod, Kind); 4] = [
    (AuthMethod::Cryptosign, PRIVATE_KEY),
    (AuthMethod::WampScram, PASSWORD),
    (AuthMethod::Wampcra, SECRET),
    (AuthMethod::Ticket, TICKET),
];

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
    STRONGEST_FIRST.iter().any(|(_, kind)| kind.is_given(login))
}

/// What programs are told of the router and of who they are; whatever else the environment says of it, they know.
pub(crate) fn environment(globals: &Globals) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut environment = vec![("WAMP_URL", globals.url().to_owned())];
    environment.extend(globals.realm.first().map(|realm| ("WAMP_REALM", realm.clone())));
    environment.extend(globals.login.authid.iter().map(|authid| ("WAMP_AUTHID", authid.clone())));
    for (_, kind) in STRONGEST_FIRST {
        if let (Some(name), Some(secret)) = (kind.variables.first(), kind.find(&globals.login)?) {
            let text = secret.read()?.expose_text().map(str::to_owned);
            let text = text.ok_or_else(|| Failure::usage(format!("what is for {name} is no text")))?;
            environment.push((name, text));
        }
    }
    Ok(environment)
}

/// The ways that are offered to the router: those that were asked for, or all that a secret is given for.
pub(crate) fn ways(globals: &Globals) -> Result<Vec<Auth>, Failure> {
    let login = &globals.login;
    one_stdin(login)?;
    if !login.authmethod.is_empty() {
        return login.authmethod.iter().map(|method| asked_for(*method, globals)).collect();
    }
    let mut ways = Vec::new();
    for (method, kind) in STRONGEST_FIRST {
        if let Some(secret) = kind.find(login)? {
            ways.push(way(method, secret, login)?);
        }
    }
    if ways.is_empty() && globals.tls.cert.is_some() {
        // The router may want the certificate for the connection alone.
        ways = vec![Certificate.into(), Anonymous.into()];
    }
    if ways.is_empty() && login.authid.is_some() {
        return Err(Failure::usage(
            "--authid needs a proof: set WAMP_TICKET, WAMP_SECRET, WAMP_PASSWORD or WAMP_PRIVATE_KEY, or give a flag",
        ));
    }
    Ok(ways)
}

fn asked_for(method: AuthMethod, globals: &Globals) -> Result<Auth, Failure> {
    let with_secret = STRONGEST_FIRST.iter().find(|(strong, _)| *strong == method);
    match (method, with_secret) {
        (_, Some((_, kind))) => {
            let secret = kind.find(&globals.login)?.ok_or_else(|| kind.missing())?;
            way(method, secret, &globals.login)
        }
        (AuthMethod::Tls, _) if globals.tls.cert.is_none() => {
            Err(Failure::usage("the method tls needs a client certificate: give --cert and --key"))
        }
        (AuthMethod::Tls, _) => Ok(Certificate.into()),
        _ => Ok(Anonymous.into()),
    }
}

/// A method with its secret, and what else the flags say about it.
fn way(method: AuthMethod, secret: Secret, login: &Login) -> Result<Auth, Failure> {
    let authid =
        || login.authid.clone().ok_or_else(|| Failure::usage("say who you are: --authid or WAMP_AUTHID"));
    Ok(match method {
        AuthMethod::Ticket => {
            let ticket = Ticket::new(authid()?, secret);
            let insecurely = login.insecurely_allow_readable_ticket;
            if insecurely { ticket.insecurely_over_any_connection() } else { ticket }.into()
        }
        AuthMethod::Wampcra => {
            let cra = Cra::new(authid()?, secret);
            let insecurely = login.insecurely_allow_guessable_secret;
            if insecurely { cra.insecurely_over_any_connection() } else { cra }.into()
        }
        AuthMethod::WampScram => {
            let scram = Scram::new(authid()?, secret);
            login.channel_binding.iter().fold(scram, Scram::channel_binding).into()
        }
        _ => {
            let key = login.authid.iter().fold(Cryptosign::new(secret), Cryptosign::authid);
            let key = login.channel_binding.iter().fold(key, Cryptosign::channel_binding);
            login.router_key.iter().fold(key, |key, router| key.expect_router(*router)).into()
        }
    })
}

/// A connection that speaks TLS as the flags say.
pub(crate) fn secured(connect: Connect, tls: &Tls) -> Result<Connect, Failure> {
    let connect = tls.cacert.iter().fold(connect, Connect::ca_file);
    let connect = tls.server_name.iter().fold(connect, Connect::server_name);
    match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => Ok(connect.client_cert(cert, key)),
        (None, None) => Ok(connect),
        _ => Err(Failure::usage("--cert and --key go together")),
    }
}

/// There is one stdin, and it is read once.
fn one_stdin(login: &Login) -> Result<(), Failure> {
    let from_stdin =
        |(_, kind): &&(AuthMethod, Kind)| (kind.flags)(login).1.as_deref() == Some(Path::new("-"));
    match STRONGEST_FIRST.iter().filter(from_stdin).count() {
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
