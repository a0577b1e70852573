//! A WAMP procedure that decides who may join, as Crossbar has it.

use std::sync::Arc;

#[cfg(feature = "cryptosign")]
use wamp_proto::auth::cryptosign::PublicKey;
use wamp_proto::{
    Dict, Uri, Value,
    auth::{Credential, Method},
    router::{Grant, Question, Verdict},
    uri::uris,
};

use crate::{Error, auth::BoxError, insider::Insider, router::RouterHandle, runtime::BoxFuture};

/// Calls a procedure with realm, authid and details; takes a role, or a dict with `role`, for a yes.
pub(crate) struct ProcedureAuthenticator {
    procedure: Uri,
    /// Who calls it, in the realm it is registered in.
    caller: Insider,
}

impl ProcedureAuthenticator {
    pub(crate) fn new(procedure: Uri, realm: Uri) -> Self {
        Self { procedure, caller: Insider::new(&realm) }
    }

    pub(crate) fn authenticate(
        self: Arc<Self>,
        router: RouterHandle,
        question: Question,
    ) -> BoxFuture<Result<Verdict, BoxError>> {
        Box::pin(async move {
            let client = self.caller.client(&router).await?;
            let authid = question.details.authid.clone();
            let call = client.call(&self.procedure).args((&question.realm, &authid, details(&question)));
            match call.value::<Value>().await {
                Ok(answer) => verdict(&question, answer),
                Err(error) if is_denial(&error) => {
                    tracing::info!(authid, %error, "the authenticator denied");
                    Ok(Verdict::Deny)
                }
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// Whether it is the procedure that says no, and not something that went wrong on the way to it.
fn is_denial(error: &Error) -> bool {
    let denials = [
        uris::error::AUTHENTICATION_DENIED,
        uris::error::NO_SUCH_PRINCIPAL,
        uris::error::NOT_AUTHORIZED,
        uris::error::AUTHORIZATION_DENIED,
    ];
    error.uri().is_some_and(|uri| denials.iter().any(|denial| uri == denial) || !uri.is_reserved())
}

/// What the procedure is told, with the names that Crossbar has.
fn details(question: &Question) -> Dict {
    let hello = &question.details;
    let mut details = Dict::from_iter([
        ("authmethod", Value::from(question.method.name())),
        ("session", question.session.get().into()),
        ("authextra", hello.authextra.clone().map_or(Value::Null, Value::Dict)),
        ("transport", Dict::from_iter([("peer", question.channel.peer.clone())]).into()),
    ]);
    if let Some(ticket) = question.ticket.as_ref().and_then(|ticket| ticket.expose_text()) {
        details.insert("ticket", ticket);
    }
    details
}

/// What the procedure's answer means.
fn verdict(question: &Question, answer: Value) -> Result<Verdict, BoxError> {
    let claimed = question.details.authid.clone();
    let name = |given: Option<&str>| given.map(str::to_owned).or_else(|| claimed.clone());
    let shown = || question.details.authextra.as_ref()?.get("pubkey")?.as_str().map(str::to_owned);
    let name = |given| name(given).or_else(shown).unwrap_or_else(|| format!("session-{}", question.session));
    if let Some(role) = answer.as_str() {
        return Ok(Verdict::Accept(Grant::new(name(None), role).provider("dynamic")));
    }
    let answer = answer.as_dict().ok_or("the authenticator must answer with a role or a dict")?;
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    let role = text("role").or_else(|| text("authrole")).ok_or("the authenticator's answer lacks `role`")?;
    let mut grant = Grant::new(name(text("authid")), role).provider("dynamic");
    grant.authextra = answer.get("extra").and_then(Value::as_dict).cloned();
    match credential(question.method, answer)? {
        Some(credential) => Ok(Verdict::Challenge { grant: Some(grant), credential }),
        None => Ok(Verdict::Accept(grant)),
    }
}

/// What the client's proof is to be checked against, if the method needs that.
fn credential(
    method: Method,
    #[cfg_attr(
        not(any(feature = "cra", feature = "scram", feature = "cryptosign")),
        expect(unused_variables, reason = "no other method needs it")
    )]
    answer: &Dict,
) -> Result<Option<Credential>, BoxError> {
    match method {
        #[cfg(feature = "cra")]
        Method::Cra => cra(answer).map(Some),
        #[cfg(feature = "scram")]
        Method::Scram => scram(answer).map(Some),
        #[cfg(feature = "cryptosign")]
        Method::Cryptosign => keys(answer),
        _ => Ok(None),
    }
}

#[cfg(any(feature = "cra", feature = "scram"))]
fn text<'a>(answer: &'a Dict, key: &str) -> Result<&'a str, BoxError> {
    let text = answer.get(key).and_then(Value::as_str);
    text.ok_or_else(|| format!("the authenticator's answer lacks `{key}`").into())
}

#[cfg(any(feature = "cra", feature = "scram"))]
fn number(answer: &Dict, key: &str, default: u32) -> Result<u32, BoxError> {
    let Some(number) = answer.get(key) else { return Ok(default) };
    let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| format!("`{key}` of the authenticator's answer must be a number").into())
}

/// With a `salt`, the `secret` is derived already.
#[cfg(feature = "cra")]
fn cra(answer: &Dict) -> Result<Credential, BoxError> {
    use wamp_proto::auth::cra;

    let secret = text(answer, "secret")?;
    let Some(salt) = answer.get("salt").and_then(Value::as_str) else {
        return Ok(Credential::Cra(cra::Credential::plain(secret)));
    };
    let mut salt = cra::Salt::new(salt).iterations(number(answer, "iterations", 1_000)?);
    salt.keylen = number(answer, "keylen", 32)?;
    Ok(Credential::Cra(cra::Credential::derived(secret, salt)))
}

/// Salt in Base64, keys in hexadecimal.
#[cfg(feature = "scram")]
fn scram(answer: &Dict) -> Result<Credential, BoxError> {
    use wamp_proto::auth::scram::{self, Kdf};

    let iterations = number(answer, "iterations", 4_096)?;
    let kdf = match text(answer, "kdf")? {
        "pbkdf2" => Kdf::pbkdf2(iterations),
        "argon2id13" => Kdf::argon2id(iterations, number(answer, "memory", 4_096)?),
        _ => return Err("`kdf` of the authenticator's answer must be pbkdf2 or argon2id13".into()),
    };
    let (salt, stored, server) =
        (text(answer, "salt")?, text(answer, "stored_key")?, text(answer, "server_key")?);
    let credential = scram::Credential::parse(salt, kdf, stored, server);
    Ok(Credential::Scram(credential.ok_or("salt or keys of the authenticator's answer are malformed")?))
}

/// Without keys, the one that the client shows is accepted.
#[cfg(feature = "cryptosign")]
fn keys(answer: &Dict) -> Result<Option<Credential>, BoxError> {
    let listed = match (answer.get("pubkeys"), answer.get("pubkey")) {
        (Some(Value::List(keys)), _) => keys.as_slice(),
        (None, Some(key)) => std::slice::from_ref(key),
        (None, None) => return Ok(None),
        _ => return Err("`pubkeys` of the authenticator's answer must be a list".into()),
    };
    let keys = listed.iter().map(|key| key.as_str().and_then(|key| key.parse::<PublicKey>().ok()));
    let keys = keys.collect::<Option<Vec<_>>>().ok_or("a key of the authenticator's answer is none")?;
    Ok(Some(Credential::Cryptosign(keys)))
}
