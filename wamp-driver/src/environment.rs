//! What the environment says about a connection: the variables that [`Connect::from_env`] and the command `wamp` read, and that
//! `wamp run` sets for its programs.

mod login;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use wamp_proto::{Encoding, Uri, auth::Method, transport::heartbeat};

#[cfg(feature = "cryptosign")]
use crate::auth::PublicKey;
#[cfg(feature = "tls")]
use crate::net::TlsOptions;
use crate::{
    ConnectError, Endpoint,
    auth::Secret,
    net::{Connect, Network},
    parse_duration,
};

/// The URL of the router: see [`Endpoint`].
pub const URL: &str = "WAMP_URL";
/// The realm to join.
pub const REALM: &str = "WAMP_REALM";
/// The only serializer to speak: `json`, `msgpack` or `cbor`.
pub const SERIALIZER: &str = "WAMP_SERIALIZER";
/// Who one is.
pub const AUTHID: &str = "WAMP_AUTHID";
/// The methods to offer, in this order, with commas between them.
pub const AUTHMETHOD: &str = "WAMP_AUTHMETHOD";
/// The private key of cryptosign, 64 hex digits.
pub const PRIVATE_KEY: &str = "WAMP_PRIVATE_KEY";
/// The password of WAMP-SCRAM.
pub const PASSWORD: &str = "WAMP_PASSWORD";
/// The shared secret of WAMP-CRA.
pub const SECRET: &str = "WAMP_SECRET";
/// The same, for those who come from wampy.
pub const WAMPY_SECRET: &str = "WAMPYSECRET";
/// A ticket.
pub const TICKET: &str = "WAMP_TICKET";
/// What cryptosign and WAMP-SCRAM are bound to: `tls-exporter`.
pub const CHANNEL_BINDING: &str = "WAMP_CHANNEL_BINDING";
/// The public key of cryptosign that the router must have, 64 hex digits.
pub const ROUTER_KEY: &str = "WAMP_ROUTER_KEY";
/// The file of the authorities to trust, in PEM.
pub const CACERT: &str = "WAMP_CACERT";
/// The file of the client's certificates, in PEM.
pub const CERT: &str = "WAMP_CERT";
/// The file of the private key of the client's certificate, in PEM.
pub const KEY: &str = "WAMP_KEY";
/// The name that the router's certificate must be for.
pub const SERVER_NAME: &str = "WAMP_SERVER_NAME";
/// How long a router may be silent before it is asked for a sign of life.
pub const HEARTBEAT: &str = "WAMP_HEARTBEAT";
/// How long it may take to give one.
pub const HEARTBEAT_TIMEOUT: &str = "WAMP_HEARTBEAT_TIMEOUT";

/// Where one connects to when nothing says where.
pub const DEFAULT_URL: &str = "ws://localhost:8080/ws";

/// A connection as the environment has it, or as somebody else would write it there. Each setting has the name of its variable
/// with it; what is `None` or empty is not set.
///
/// ```no_run
/// # use wamp_driver::{ConnectError, environment::Environment, net::{Connect, Network}};
/// # fn example<N: Network>() -> Result<Connect<N>, ConnectError> {
/// let mut environment = Environment::read()?;
/// environment.realm.get_or_insert_with(|| "com.example.app".to_owned());
/// let connect = environment.connect::<N>()?;
/// # Ok(connect)
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Environment {
    /// [`URL`]; without it, [`DEFAULT_URL`].
    pub url: Option<String>,
    /// [`REALM`].
    pub realm: Option<String>,
    /// [`SERIALIZER`].
    pub serializer: Option<Encoding>,
    /// [`AUTHID`].
    pub authid: Option<String>,
    /// [`AUTHMETHOD`]; without any, those that there is a secret for are offered, the strongest first, or else the certificate.
    pub methods: Vec<Method>,
    /// [`PRIVATE_KEY`].
    pub private_key: Option<Secret>,
    /// [`PASSWORD`].
    pub password: Option<Secret>,
    /// [`SECRET`], or [`WAMPY_SECRET`].
    pub secret: Option<Secret>,
    /// [`TICKET`].
    pub ticket: Option<Secret>,
    /// [`CHANNEL_BINDING`].
    pub channel_binding: Option<String>,
    /// [`ROUTER_KEY`].
    #[cfg(feature = "cryptosign")]
    pub router_key: Option<PublicKey>,
    /// [`CACERT`], which is one file; the settings may be several.
    pub cacert: Vec<PathBuf>,
    /// [`CERT`]; it goes with `key`.
    pub cert: Option<PathBuf>,
    /// [`KEY`]; it goes with `cert`.
    pub key: Option<PathBuf>,
    /// [`SERVER_NAME`].
    pub server_name: Option<String>,
    /// Whether a ticket is sent where others can read it. No variable says so.
    pub insecurely_allow_readable_ticket: bool,
    /// Whether a challenge is signed with the shared secret where others can read it. No variable says so.
    pub insecurely_allow_guessable_secret: bool,
}

impl Environment {
    /// What the environment of this process says. An empty variable is one that is not set. Secrets are read for every
    /// connection, not now.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Environment`] names the variable that is not what it should be.
    pub fn read() -> Result<Self, ConnectError> {
        Self::of(|name| std::env::var_os(name))
    }

    /// The same, with something else in place of the environment, say in a test. Secrets come from the environment all the same.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConnectError> {
        let set = Variables(variable);
        Ok(Self {
            url: set.checked(URL, |text| text.parse::<Endpoint>().map_err(|error| error.why))?,
            realm: set.checked(REALM, str::parse::<Uri>)?,
            serializer: set.parsed(SERIALIZER, |name| {
                Encoding::of(name).ok_or("a serializer is json, msgpack or cbor")
            })?,
            authid: set.text(AUTHID)?,
            methods: set.parsed(AUTHMETHOD, login::methods)?.unwrap_or_default(),
            private_key: set.secret(Method::Cryptosign),
            password: set.secret(Method::Scram),
            secret: set.secret(Method::Cra),
            ticket: set.secret(Method::Ticket),
            channel_binding: set.text(CHANNEL_BINDING)?,
            #[cfg(feature = "cryptosign")]
            router_key: set.parsed(ROUTER_KEY, str::parse::<PublicKey>)?,
            cacert: set.path(CACERT).into_iter().collect(),
            cert: set.path(CERT),
            key: set.path(KEY),
            server_name: set.checked(SERVER_NAME, certificate_name)?,
            insecurely_allow_readable_ticket: false,
            insecurely_allow_guessable_secret: false,
        })
    }

    /// A connection with these settings, and with the heartbeat of the environment.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Environment`] names the variable without which the others make no sense.
    pub fn connect<N: Network>(&self) -> Result<Connect<N>, ConnectError> {
        let auth = self.auth()?;
        #[cfg(feature = "tls")]
        let tls = self.tls()?;
        Ok(Connect::beating(self.url.as_deref().unwrap_or(DEFAULT_URL)).options(|options| {
            options.auth = auth;
            if let Some(realm) = &self.realm {
                options.realm.clone_from(realm);
            }
            if let Some(serializer) = self.serializer {
                options.serializers = vec![serializer];
            }
            #[cfg(feature = "tls")]
            {
                options.tls = tls;
            }
        }))
    }

    /// How TLS is spoken.
    ///
    /// # Errors
    ///
    /// When there is a certificate without its key, or a key without its certificate.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Result<TlsOptions, ConnectError> {
        let mut tls = TlsOptions::default();
        for path in &self.cacert {
            tls.ca_file(path);
        }
        if let Some(name) = &self.server_name {
            tls.server_name(name);
        }
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => _ = tls.client_cert(cert, key),
            (None, None) => {}
            (None, Some(_)) => {
                return Err(refused(CERT, format!("is not set, but {KEY} is: they go together")));
            }
            (Some(_), None) => {
                return Err(refused(KEY, format!("is not set, but {CERT} is: they go together")));
            }
        }
        Ok(tls)
    }

    /// The variables that say all of this to another program, which may run in another directory. They hold the secrets themselves.
    ///
    /// # Errors
    ///
    /// When a secret cannot be read, or there are more files of authorities than the variable can name, which is one.
    pub fn variables(&self) -> Result<Vec<(&'static str, OsString)>, ConnectError> {
        if self.cacert.len() > 1 {
            let why = "names one file, and there are several: put all authorities into one";
            return Err(refused(CACERT, why.to_owned()));
        }
        let methods = self.methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(",");
        #[cfg(feature = "cryptosign")]
        let router_key = self.router_key.map(|key| key.to_string());
        #[cfg(not(feature = "cryptosign"))]
        let router_key = None;
        let texts = [
            (URL, self.url.clone()),
            (REALM, self.realm.clone()),
            (SERIALIZER, self.serializer.map(|encoding| encoding.name().to_owned())),
            (AUTHID, self.authid.clone()),
            (AUTHMETHOD, Some(methods).filter(|methods| !methods.is_empty())),
            (CHANNEL_BINDING, self.channel_binding.clone()),
            (ROUTER_KEY, router_key),
            (SERVER_NAME, self.server_name.clone()),
        ];
        let mut variables = Vec::new();
        variables.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text?.into()))));
        for (name, path) in
            [(CACERT, self.cacert.first()), (CERT, self.cert.as_ref()), (KEY, self.key.as_ref())]
        {
            let absolute = path.map(std::path::absolute).transpose();
            let absolute =
                absolute.map_err(|error| refused(name, format!("cannot be passed on: {error}")))?;
            variables.extend(absolute.map(|path| (name, path.into())));
        }
        variables.extend(self.secrets()?);
        Ok(variables)
    }
}

/// The variables that are set.
struct Variables<F>(F);

impl<F: Fn(&str) -> Option<OsString>> Variables<F> {
    /// An empty one is not set.
    fn get(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, ConnectError> {
        let text = self.get(name).map(OsString::into_string).transpose();
        text.map_err(|_| refused(name, "is no text".to_owned()))
    }

    fn parsed<T, E: std::fmt::Display>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConnectError> {
        let parsed = |text: String| parse(&text).map_err(|why| refused(name, format!("is `{text}`: {why}")));
        self.text(name)?.map(parsed).transpose()
    }

    /// A text that can be parsed, as it is.
    fn checked<T, E: std::fmt::Display>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<String>, ConnectError> {
        self.parsed(name, |text| parse(text).map(|_| text.to_owned()))
    }

    /// The secret of a method, in the first of its variables that is set.
    fn secret(&self, method: Method) -> Option<Secret> {
        login::variables(method).iter().find(|name| self.get(name).is_some()).map(|name| Secret::env(*name))
    }
}

#[cfg(feature = "tls")]
fn certificate_name(text: &str) -> Result<(), &'static str> {
    let name = rustls::pki_types::ServerName::try_from(text);
    name.map(drop).map_err(|_| "no certificate has such a name")
}

/// Without TLS, nobody shows a certificate.
#[cfg(not(feature = "tls"))]
fn certificate_name(_: &str) -> Result<(), &'static str> {
    Ok(())
}

fn refused(name: &'static str, why: String) -> ConnectError {
    ConnectError::Environment { name, why }
}

/// The heartbeat as `variable` has it; what is not set stays.
pub(crate) fn heartbeat(
    mut config: heartbeat::Config,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<heartbeat::Config, ConnectError> {
    let set = Variables(variable);
    for (name, setting) in [(HEARTBEAT, &mut config.interval), (HEARTBEAT_TIMEOUT, &mut config.timeout)] {
        if let Some(duration) = set.parsed(name, duration)? {
            *setting = duration;
        }
    }
    Ok(config)
}

/// A duration; `off` and `0` are none at all.
fn duration(text: &str) -> Result<Duration, String> {
    match text.trim() {
        "off" | "0" => Ok(Duration::ZERO),
        text => parse_duration(text),
    }
}

#[cfg(test)]
mod tests;
