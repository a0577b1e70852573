//! Payloads that the router cannot read: a toy cipher in the hook for real ones.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use wamp_driver::{
    Cipher, CipherError, Client, Error, ErrorReply, Invocation, Reply, Wrapping,
    proto::{Encoding, Uri, Value, error::RemoteError},
};

use super::{Stage, tools::echo};

/// Covers `t.secret` and what is below it. It keeps nothing secret, but knows its key, its URI and its text again.
struct Toy(u8);

impl Toy {
    /// The sum of all bytes, which goes along.
    fn check(&self, uri: &Uri, plain: &[u8]) -> u8 {
        uri.bytes().chain(plain.iter().copied()).fold(self.0, u8::wrapping_add)
    }
}

impl Cipher for Toy {
    fn wrapping(&self, uri: &Uri) -> Option<Wrapping> {
        let wrapping = Wrapping::new("x_toy", Encoding::Cbor).cipher("xor").key_id(self.0.to_string());
        uri.starts_with("t.secret").then_some(wrapping)
    }

    fn encrypt(&self, uri: &Uri, _: &Wrapping, plain: &[u8]) -> Result<Vec<u8>, CipherError> {
        let check = self.check(uri, plain);
        Ok(plain.iter().chain([&check]).map(|byte| byte ^ self.0).collect())
    }

    fn decrypt(&self, uri: &Uri, wrapping: &Wrapping, bytes: &[u8]) -> Result<Vec<u8>, CipherError> {
        assert_eq!((&*wrapping.scheme, wrapping.cipher.as_deref()), ("x_toy", Some("xor")));
        let mut plain = bytes.iter().map(|byte| byte ^ self.0).collect::<Vec<_>>();
        let check = plain.pop();
        if check == Some(self.check(uri, &plain)) { Ok(plain) } else { Err(CipherError::new("wrong key")) }
    }
}

async fn with_key(stage: &Stage, key: u8) -> Client {
    let dial = stage.connect().options(|options| options.cipher = Some(std::sync::Arc::new(Toy(key))));
    stage.within(dial).await.expect("it joins")
}

async fn no(_: Invocation) -> Result<Reply, ErrorReply> {
    Err(ErrorReply::new("t.error.no").arg("for you only").kwarg("code", 7))
}

fn remote(error: Error) -> RemoteError {
    match error {
        Error::Remote(error) => error,
        other => panic!("{other:?}"),
    }
}

/// E-02, E-08..E-11, E-13: there and back, and what others see of it.
pub(super) async fn calls_and_their_answers(stage: Stage) {
    let (callee, caller) = (with_key(&stage, 42).await, with_key(&stage, 42).await);
    callee.register("t.secret.add", |a: i64, b: String| async move { Ok(format!("{a}{b}")) }).await.unwrap();
    callee.register("t.secret.any.", echo).prefix().await.unwrap();
    callee.register("t.secret.no", no).await.unwrap();
    let sum = caller.call("t.secret.add").args((1, "ü")).value::<String>();
    assert_eq!(stage.within(sum).await.unwrap(), "1ü");
    // A pattern's calls are those of the URI that is called.
    let call =
        caller.call("t.secret.any.thing").args((1,)).kwargs(BTreeMap::from([("k", (None::<i64>, 1.5))]));
    let result = stage.within(call).await.unwrap();
    assert_eq!(result.args::<(i64,)>().unwrap(), (1,));
    assert_eq!(result.kwargs::<BTreeMap<String, (Option<i64>, f64)>>().unwrap()["k"], (None, 1.5));
    let error = remote(stage.within(caller.call("t.secret.no")).await.unwrap_err());
    assert_eq!((error.error.as_str(), error.message().as_deref()), ("t.error.no", Some("for you only")));
    assert_eq!((error.payload.dict().unwrap().len(), error.wrapping), (1, None));
    // The router's own errors are in plain.
    let error = remote(stage.within(caller.call("t.secret.nobody")).await.unwrap_err());
    assert_eq!(error.error.as_str(), "wamp.error.no_such_procedure");
    // One that has no cipher sees that there is something, and what it says of itself.
    let stranger = stage.client().await;
    stranger.register("t.secret.raw", echo).await.unwrap();
    let call = caller.call("t.secret.raw").args(("read me",));
    let error = stage.within(call).await.unwrap_err();
    assert!(matches!(&error, Error::Cipher(why) if why.to_string() == "it came in plain"), "{error:?}");
}

/// What a client without a cipher is given: the bytes, and the attributes.
pub(super) async fn without_a_cipher_payloads_are_raw(stage: Stage) {
    let (knowing, stranger) = (with_key(&stage, 42).await, stage.client().await);
    let mut events = stranger.subscribe("t.secret.topic").await.unwrap();
    knowing.publish("t.secret.topic").args(("read me",)).acknowledge().await.unwrap();
    let event = stage.within(events.next()).await.unwrap();
    let attributes = event.details.payload_attributes.as_deref().unwrap();
    assert_eq!(attributes.ppt_scheme.as_deref(), Some("x_toy"));
    assert_eq!(attributes.ppt_serializer.as_deref(), Some("cbor"));
    assert_eq!(
        (attributes.ppt_cipher.as_deref(), attributes.ppt_keyid.as_deref()),
        (Some("xor"), Some("42"))
    );
    let sealed = event.payload.binary().unwrap();
    assert!(!sealed.windows(7).any(|part| part == b"read me"));
    let wrapping = Toy(42).wrapping(&event.topic).unwrap();
    let plain = Toy(42).decrypt(&event.topic, &wrapping, &sealed).unwrap();
    assert!(plain.windows(7).any(|part| part == b"read me"));
    // What the cipher does not cover stays as it is.
    let mut events = stranger.subscribe("t.open").await.unwrap();
    knowing.publish("t.open").args(("read me",)).acknowledge().await.unwrap();
    let event = stage.within(events.next()).await.unwrap();
    assert_eq!(
        (event.value::<String>().unwrap().as_str(), event.details.payload_attributes),
        ("read me", None)
    );
}

/// E-07, E-08: events, retained ones too.
pub(super) async fn events(stage: Stage) {
    let (publisher, subscriber) = (with_key(&stage, 42).await, with_key(&stage, 42).await);
    let publish = |number: i64| publisher.publish("t.secret.topic").args((number,)).retain().acknowledge();
    publish(1).await.unwrap();
    let mut exact = subscriber.subscribe("t.secret.topic").get_retained().await.unwrap();
    let mut prefix = subscriber.subscribe("t.").prefix().await.unwrap();
    publish(2).await.unwrap();
    for number in [1, 2] {
        let event = stage.within(exact.next()).await.unwrap();
        assert_eq!((event.value::<i64>().unwrap(), event.sealed), (number, None));
    }
    assert_eq!(stage.within(prefix.next()).await.unwrap().value::<i64>().unwrap(), 2);
}

/// E-14, R-42: parts of results, and of arguments.
pub(super) async fn parts(stage: Stage) {
    let (callee, caller) = (with_key(&stage, 42).await, with_key(&stage, 42).await);
    let sum = |invocation: Invocation| async move {
        let (mut sum,): (i64,) = invocation.args()?;
        let mut parts = invocation.parts();
        while let Some(part) = parts.next().await {
            sum += part?.args::<(i64,)>()?.0;
            invocation.progress((sum,)).await?;
        }
        invocation.reply((sum,), ())
    };
    callee.register("t.secret.sum", sum).await.unwrap();
    let (mut arguments, results) = caller.call("t.secret.sum").args((1,)).streaming().await.unwrap();
    arguments.send((2,)).await.unwrap();
    arguments.finish((3,)).await.unwrap();
    let results =
        stage.within(results.map(|result| result.unwrap().value::<i64>().unwrap()).collect::<Vec<_>>());
    assert_eq!(results.await, [3, 6, 6]);
}

/// What cannot be decrypted is an error that says so, and never taken for something else.
pub(super) async fn other_keys_and_plain_payloads(stage: Stage) {
    let (callee, other) = (with_key(&stage, 42).await, with_key(&stage, 43).await);
    let plain = stage.client().await;
    callee.register("t.secret.echo", echo).await.unwrap();
    let mut events = callee.subscribe("t.secret.topic").await.unwrap();
    for (client, why) in [(&other, "wrong key"), (&plain, "it came in plain")] {
        let call = client.call("t.secret.echo").args(("x",));
        let error = remote(match stage.within(call).await.unwrap_err() {
            // The answer is wrapped with a key that this one does not have.
            Error::Cipher(error) => panic!("{error}"),
            error => error,
        });
        assert_eq!(error.error.as_str(), "wamp.error.invalid_argument");
        assert_eq!(error.message().unwrap(), format!("the arguments cannot be decrypted: {why}"));
        client.publish("t.secret.topic").args(("x",)).acknowledge().await.unwrap();
        let event = stage.within(events.next()).await.unwrap();
        assert_eq!(event.sealed.as_ref().unwrap().to_string(), why);
        assert!(event.value::<Value>().is_err() && event.args::<(Value,)>().is_err());
        assert!(!event.payload.is_empty());
    }
    // The stream goes on.
    callee.publish("t.secret.topic").args(("y",)).exclude_me(false).await.unwrap();
    assert_eq!(stage.within(events.next()).await.unwrap().value::<String>().unwrap(), "y");
}
