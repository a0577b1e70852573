//! A client on its way to WELCOME.

use std::{fmt, sync::Arc};

use futures_channel::oneshot;
use wamp_proto::{
    Channel,
    auth::{Answer, AuthError, Exchange, Method, Policy, ToSign},
    message::{AuthenticateExtra, Challenge},
};

use super::{Anonymous, Auth, Signer};
use crate::{ConnectError, shared::Shared};

/// An authentication under way, and who signs for it.
pub(crate) struct Login {
    pub(crate) exchange: Exchange,
    signers: Vec<(Method, Signer)>,
}

impl Login {
    /// The ways that a client offers, in the order of its preference; without any, it is anonymous.
    pub(crate) fn new(ways: &[Auth], channel: Channel, seed: [u8; 32]) -> Result<Self, ConnectError> {
        let anonymous = [Auth::from(Anonymous)];
        let ways = if ways.is_empty() { &anonymous } else { ways };
        let mut names = ways.iter().filter_map(|way| way.authid.as_ref());
        let authid = names.next().cloned();
        if names.any(|name| Some(name) != authid.as_ref()) {
            return Err(AuthError::Unusable("a session has one authid, and its methods have several").into());
        }
        let proofs = ways.iter().map(Auth::proof).collect::<Result<Vec<_>, _>>()?;
        let exchange = Exchange::new(authid, proofs, policy(ways), channel, seed)?;
        let signer = |way: &Auth| match &way.way {
            #[cfg(any(feature = "cra", feature = "cryptosign"))]
            super::Way::Elsewhere(proof, signer) => Some((proof.method(), signer.clone())),
            _ => None,
        };
        Ok(Self { exchange, signers: ways.iter().filter_map(signer).collect() })
    }

    async fn sign(&self, to_sign: ToSign) -> Result<String, AuthError> {
        let method = match &to_sign {
            ToSign::Cra(_) => Method::Cra,
            _ => Method::Cryptosign,
        };
        let signer = self.signers.iter().find(|(signs, _)| *signs == method);
        let (_, signer) = signer.ok_or_else(|| AuthError::NotOffered(method.name().to_owned()))?;
        signer(to_sign).await.map_err(|error| AuthError::Signer(error.to_string()))
    }
}

/// What all ways together insist on.
fn policy(ways: &[Auth]) -> Policy {
    let mut all = Policy::default();
    for Auth { policy, .. } in ways {
        all.insecurely_allow_readable_tickets |= policy.insecurely_allow_readable_tickets;
        all.insecurely_allow_guessable_secrets |= policy.insecurely_allow_guessable_secrets;
        all.allow_unbound |= policy.allow_unbound;
        all.channel_binding = all.channel_binding.or_else(|| policy.channel_binding.clone());
        #[cfg(feature = "cryptosign")]
        {
            all.router_key = all.router_key.or(policy.router_key);
        }
    }
    all
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

/// Answers a challenge of a client's session, by its number. Deriving a key takes a while, and has a thread of its own.
pub(crate) async fn answer(shared: Arc<Shared>, session: u64, mut login: Box<Login>, challenge: Challenge) {
    let (tell, told) = oneshot::channel();
    shared.runtime.spawn_blocking(Box::new(move || {
        let answer = login.exchange.answer(&challenge);
        // Whoever has given up does not care.
        Box::new(move || drop(tell.send((login, answer))))
    }));
    let Ok((login, answer)) = told.await else { return };
    let answer = match answer {
        Ok(Answer::Authenticate { signature, extra }) => Ok((signature, extra)),
        Ok(Answer::Sign(to_sign)) => {
            login.sign(to_sign).await.map(|signature| (signature, AuthenticateExtra::default()))
        }
        Ok(_) => Err(AuthError::Unusable("no answer is known to this challenge")),
        Err(why) => Err(why),
    };
    shared.update(|state, _| {
        // The client may have lost the session meanwhile, and be in another.
        if !state.is_session(session) {
            return;
        }
        state.login = Some(login);
        match answer {
            // The session may have ended meanwhile.
            Ok((signature, extra)) => drop(state.session.authenticate(signature, extra)),
            Err(why) => state.session.distrust(why),
        }
    });
}
