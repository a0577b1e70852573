//! Who one is, and the proofs of it.

use std::ffi::OsString;

use wamp_proto::auth::Method;

use super::{
    AUTHID, AUTHMETHOD, CERT, Environment, KEY, PASSWORD, PRIVATE_KEY, SECRET, TICKET, WAMPY_SECRET, refused,
};
#[cfg(feature = "cra")]
use crate::auth::Cra;
#[cfg(feature = "cryptosign")]
use crate::auth::Cryptosign;
#[cfg(feature = "scram")]
use crate::auth::Scram;
use crate::{
    ConnectError,
    auth::{Anonymous, Auth, Certificate, Secret, Ticket},
};

/// The methods that have a secret, the strongest first.
const STRONGEST_FIRST: [Method; 4] = [Method::Cryptosign, Method::Scram, Method::Cra, Method::Ticket];

/// What this program was built with.
const BUILT: [(Method, bool); 3] = [
    (Method::Cryptosign, cfg!(feature = "cryptosign")),
    (Method::Scram, cfg!(feature = "scram")),
    (Method::Cra, cfg!(feature = "cra")),
];

impl Environment {
    /// The ways to prove who one is, best first: those of [`methods`](Self::methods), or else those that there is a secret for. A
    /// certificate alone is offered with being anonymous behind it, as the router may want it for the connection only.
    ///
    /// # Errors
    ///
    /// When a proof, or the name that goes with it, is missing: [`ConnectError::Environment`] has its variable.
    pub fn auth(&self) -> Result<Vec<Auth>, ConnectError> {
        if !self.methods.is_empty() {
            return self.methods.iter().map(|method| self.way(*method)).collect();
        }
        let given = |method: &Method| is_built(*method) && self.secret_of(*method).is_some();
        let given = STRONGEST_FIRST.into_iter().filter(given).map(|method| self.way(method));
        let mut ways = given.collect::<Result<Vec<_>, _>>()?;
        if ways.is_empty() && self.cert.is_some() {
            ways = vec![Certificate.into(), Anonymous.into()];
        }
        if ways.is_empty() && self.authid.is_some() {
            let built = STRONGEST_FIRST.into_iter().filter(|method| is_built(*method));
            let proofs = built.filter_map(|method| variables(method).first().copied()).collect::<Vec<_>>();
            return Err(refused(AUTHID, format!("needs a proof, in one of {}", proofs.join(", "))));
        }
        Ok(ways)
    }

    /// The secrets themselves, with the variables that hold them.
    pub(super) fn secrets(&self) -> Result<Vec<(&'static str, OsString)>, ConnectError> {
        let mut secrets = Vec::new();
        for method in STRONGEST_FIRST {
            if let (Some(secret), Some(name)) = (self.secret_of(method), variables(method).first()) {
                let secret = secret.read()?;
                let text =
                    secret.expose_text().ok_or_else(|| refused(name, "can hold text only".to_owned()))?;
                secrets.push((*name, text.into()));
            }
        }
        Ok(secrets)
    }

    fn secret_of(&self, method: Method) -> Option<&Secret> {
        match method {
            Method::Cryptosign => self.private_key.as_ref(),
            Method::Scram => self.password.as_ref(),
            Method::Cra => self.secret.as_ref(),
            Method::Ticket => self.ticket.as_ref(),
            _ => None,
        }
    }

    /// A method with its secret, and what else there is to say about it.
    fn way(&self, method: Method) -> Result<Auth, ConnectError> {
        let secret = || self.secret_of(method).cloned().ok_or_else(|| missing(method));
        Ok(match method {
            Method::Anonymous => Anonymous.into(),
            Method::Tls if self.cert.is_some() => Certificate.into(),
            Method::Tls => {
                let why = format!("is not set: the method tls shows a certificate, of {CERT} and {KEY}");
                return Err(refused(CERT, why));
            }
            Method::Ticket => {
                let ticket = Ticket::new(self.named(TICKET)?, secret()?);
                let insecurely = self.insecurely_allow_readable_ticket;
                if insecurely { ticket.insecurely_over_any_connection() } else { ticket }.into()
            }
            #[cfg(feature = "cra")]
            Method::Cra => {
                let cra = Cra::new(self.named(SECRET)?, secret()?);
                let insecurely = self.insecurely_allow_guessable_secret;
                if insecurely { cra.insecurely_over_any_connection() } else { cra }.into()
            }
            #[cfg(feature = "scram")]
            Method::Scram => {
                let scram = Scram::new(self.named(PASSWORD)?, secret()?);
                self.channel_binding.iter().fold(scram, Scram::channel_binding).into()
            }
            #[cfg(feature = "cryptosign")]
            Method::Cryptosign => {
                let key = self.authid.iter().fold(Cryptosign::new(secret()?), Cryptosign::authid);
                let key = self.channel_binding.iter().fold(key, Cryptosign::channel_binding);
                self.router_key.iter().fold(key, |key, router| key.expect_router(*router)).into()
            }
            _ => {
                let why = format!("asks for {}, without which this program was built", method.name());
                return Err(refused(AUTHMETHOD, why));
            }
        })
    }

    /// Who the secret belongs to.
    fn named(&self, secret: &str) -> Result<String, ConnectError> {
        let nobody = || refused(AUTHID, format!("is not set: it must say who the proof in {secret} is of"));
        self.authid.clone().ok_or_else(nobody)
    }
}

/// Where the secret of a method is, by preference.
pub(super) fn variables(method: Method) -> &'static [&'static str] {
    match method {
        Method::Cryptosign => &[PRIVATE_KEY],
        Method::Scram => &[PASSWORD],
        Method::Cra => &[SECRET, WAMPY_SECRET],
        Method::Ticket => &[TICKET],
        _ => &[],
    }
}

fn is_built(method: Method) -> bool {
    BUILT.iter().all(|(other, built)| *other != method || *built)
}

fn missing(method: Method) -> ConnectError {
    let (name, others) = variables(method).split_first().unwrap_or((&AUTHMETHOD, &[]));
    let others = others.iter().map(|other| format!(", nor is {other}")).collect::<String>();
    refused(name, format!("is not set{others}: the method {} needs it", method.name()))
}

/// Methods with commas between them, by their names in the protocol or the short ones.
pub(super) fn methods(text: &str) -> Result<Vec<Method>, String> {
    text.split(',').map(method).collect()
}

fn method(name: &str) -> Result<Method, String> {
    match name {
        "cra" => Ok(Method::Cra),
        "scram" => Ok(Method::Scram),
        // There is no variable for a cookie.
        name => Method::of(name).filter(|method| *method != Method::Cookie).ok_or_else(|| {
            let known = Method::ALL.into_iter().filter(|method| *method != Method::Cookie);
            let known = known.map(Method::name).collect::<Vec<_>>().join(", ");
            format!("there is no method `{name}`, there are {known}")
        }),
    }
}
