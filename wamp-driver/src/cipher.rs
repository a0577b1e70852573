//! Encryption from end to end: what an application plugs in, and where a client wraps and unwraps payloads with it.

use std::{fmt, sync::Arc};

use wamp_proto::{Encoding, Payload, Uri, error::RemoteError, message::PayloadAttributes};

use crate::{Error, ErrorReply, Invocation, handler::DynHandler, runtime::BoxFuture, shared::Shared};

/// How payloads travel so that the router cannot read them: payload passthru mode (E-01..E-14).
///
/// A client that has one ([`Connect::cipher`](crate::net::Connect::cipher)) wraps the arguments, results, errors and events
/// of each URI that it covers, and unwraps what comes. On such a URI nothing is taken that came in plain, but errors, which
/// the router has too. What it does not cover is left alone, wrapped or not.
///
/// The methods are called where a call is made or an event taken, and hold up that task only.
///
/// ```
/// use wamp_driver::{Cipher, CipherError, Wrapping, proto::{Encoding, Uri}};
///
/// /// Not for secrets.
/// struct Xor(u8);
///
/// impl Cipher for Xor {
///     fn wrapping(&self, uri: &Uri) -> Option<Wrapping> {
///         uri.starts_with("com.example.secret.").then(|| Wrapping::new("x_xor", Encoding::Cbor).key_id("1"))
///     }
///
///     fn encrypt(&self, _: &Uri, _: &Wrapping, plain: &[u8]) -> Result<Vec<u8>, CipherError> {
///         Ok(plain.iter().map(|byte| byte ^ self.0).collect())
///     }
///
///     fn decrypt(&self, uri: &Uri, wrapping: &Wrapping, bytes: &[u8]) -> Result<Vec<u8>, CipherError> {
///         if wrapping.key_id.as_deref() != Some("1") {
///             return Err(CipherError::new("we have no such key"));
///         }
///         self.encrypt(uri, wrapping, bytes)
///     }
/// }
/// ```
pub trait Cipher: Send + Sync + 'static {
    /// What payloads of this procedure or topic are wrapped in; `None` when they travel in plain.
    fn wrapping(&self, uri: &Uri) -> Option<Wrapping>;

    /// Encrypts a serialized payload.
    ///
    /// # Errors
    ///
    /// When it cannot; nothing is sent then.
    fn encrypt(&self, uri: &Uri, wrapping: &Wrapping, plain: &[u8]) -> Result<Vec<u8>, CipherError>;

    /// Decrypts a payload that came with this wrapping, whose scheme is ours and whose key may be another.
    ///
    /// # Errors
    ///
    /// When it is not what a peer with the key has encrypted.
    fn decrypt(&self, uri: &Uri, wrapping: &Wrapping, bytes: &[u8]) -> Result<Vec<u8>, CipherError>;
}

/// What a payload is wrapped in: the attributes of payload passthru mode (E-08, E-11).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wrapping {
    /// `ppt_scheme`: `wamp`, `mqtt`, or one of your own that begins with `x_`.
    pub scheme: String,
    /// `ppt_serializer`: how the arguments are serialized before they are encrypted.
    pub serializer: Encoding,
    /// `ppt_cipher`, such as `xsalsa20poly1305`.
    pub cipher: Option<String>,
    /// `ppt_keyid`: which key.
    pub key_id: Option<String>,
}

impl Wrapping {
    /// A scheme, and the serializer within.
    pub fn new(scheme: impl Into<String>, serializer: Encoding) -> Self {
        Self { scheme: scheme.into(), serializer, cipher: None, key_id: None }
    }

    /// The name of the cipher.
    #[must_use]
    pub fn cipher(mut self, cipher: impl Into<String>) -> Self {
        self.cipher = Some(cipher.into());
        self
    }

    /// The name of the key.
    #[must_use]
    pub fn key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    fn attributes(&self) -> Box<PayloadAttributes> {
        Box::new(PayloadAttributes {
            ppt_scheme: Some(self.scheme.clone()),
            ppt_serializer: Some(self.serializer.name().to_owned()),
            ppt_cipher: self.cipher.clone(),
            ppt_keyid: self.key_id.clone(),
            ..PayloadAttributes::default()
        })
    }

    /// What came; `None` when it is not wrapped (E-02).
    fn read(attributes: Option<&PayloadAttributes>) -> Result<Option<Self>, CipherError> {
        let Some(attributes) = attributes.filter(|attributes| attributes.is_active()) else {
            return Ok(None);
        };
        let named = attributes.ppt_serializer.as_deref().unwrap_or("none");
        let serializer = Encoding::of(named);
        Ok(Some(Self {
            scheme: attributes.ppt_scheme.clone().unwrap_or_default(),
            serializer: serializer.ok_or_else(|| CipherError(format!("its serializer is {named:?}")))?,
            cipher: attributes.ppt_cipher.clone(),
            key_id: attributes.ppt_keyid.clone(),
        }))
    }
}

/// A payload cannot be encrypted or decrypted. The text is for people, and is no place for secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CipherError(String);

impl CipherError {
    /// Says why.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// The wrapping of the payloads of one URI, if it has any.
#[derive(Clone, Default)]
pub(crate) struct Sealing(Option<Arc<Covered>>);

struct Covered {
    cipher: Arc<dyn Cipher>,
    uri: Uri,
    wrapping: Wrapping,
}

/// A payload, and what it is wrapped in.
pub(crate) type Sealed = (Payload, Option<Box<PayloadAttributes>>);

impl Sealing {
    pub(crate) fn new(shared: &Shared, uri: &Uri) -> Self {
        let covered = |cipher: &Arc<dyn Cipher>| {
            let wrapping = cipher.wrapping(uri)?;
            Some(Arc::new(Covered { cipher: cipher.clone(), uri: uri.clone(), wrapping }))
        };
        Self(shared.options.cipher.as_ref().and_then(covered))
    }

    /// Wraps a payload that goes out in `carrier`.
    pub(crate) fn seal(&self, carrier: Encoding, payload: Payload) -> Result<Sealed, Error> {
        let Some(Covered { cipher, uri, wrapping }) = self.0.as_deref() else { return Ok((payload, None)) };
        let bytes = cipher.encrypt(uri, wrapping, &payload.pack(wrapping.serializer)?)?;
        Ok((Payload::from_binary(carrier, &bytes), Some(wrapping.attributes())))
    }

    /// Unwraps a payload that came.
    pub(crate) fn open(
        &self,
        attributes: Option<&PayloadAttributes>,
        payload: Payload,
    ) -> Result<Payload, CipherError> {
        let Some(Covered { cipher, uri, wrapping }) = self.0.as_deref() else { return Ok(payload) };
        let came = Wrapping::read(attributes)?;
        let came = came.ok_or_else(|| CipherError::new("it came in plain"))?;
        if came.scheme != wrapping.scheme {
            let (theirs, ours) = (came.scheme, &wrapping.scheme);
            return Err(CipherError(format!("its scheme is {theirs:?}, ours is {ours:?}")));
        }
        let malformed = |error: wamp_proto::DecodeError| CipherError(error.to_string());
        let bytes = cipher.decrypt(uri, &came, &payload.binary().map_err(malformed)?)?;
        Payload::unpack(came.serializer, &bytes).map_err(malformed)
    }

    /// Unwraps an error that came. The router has errors of its own, which are not wrapped.
    pub(crate) fn open_error(&self, error: Error) -> Error {
        match error {
            Error::Remote(RemoteError { error, payload, wrapping: Some(wrapping) }) if self.0.is_some() => {
                match self.open(Some(&wrapping), payload) {
                    Ok(payload) => RemoteError::new(error, payload).into(),
                    Err(error) => error.into(),
                }
            }
            error => error,
        }
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sealing").field(&self.0.as_ref().map(|covered| &covered.uri)).finish()
    }
}

/// The handler of a procedure that the client's cipher may cover: what it is given is unwrapped, what it answers wrapped.
pub(crate) fn sealing(shared: &Shared, procedure: &Uri, handler: Arc<DynHandler>) -> Arc<DynHandler> {
    if shared.options.cipher.is_none() {
        return handler;
    }
    let procedure = procedure.clone();
    Arc::new(move |mut invocation: Invocation| -> BoxFuture<_> {
        let called = invocation.details.procedure.as_ref().unwrap_or(&procedure);
        invocation.sealing = Sealing::new(&invocation.shared, called);
        if invocation.sealing.0.is_none() {
            return handler(invocation);
        }
        let attributes = invocation.details.payload_attributes.as_deref();
        match invocation.sealing.open(attributes, std::mem::take(&mut invocation.payload)) {
            Ok(payload) => invocation.payload = payload,
            Err(error) => return Box::pin(std::future::ready(Err(unreadable(&error)))),
        }
        let handler = handler.clone();
        Box::pin(async move {
            let reply = handler(invocation.clone()).await;
            invocation.answer_sealed(reply)
        })
    })
}

/// What a caller is told whose arguments cannot be decrypted.
fn unreadable(error: &CipherError) -> ErrorReply {
    ErrorReply::new(wamp_proto::uri::uris::error::INVALID_ARGUMENT)
        .arg(format!("the arguments cannot be decrypted: {error}"))
}

impl Invocation {
    /// Answers with what is wrapped for the caller; what is given back is for the case that it could not be, and comes too
    /// late otherwise.
    fn answer_sealed(&self, reply: Result<Payload, ErrorReply>) -> Result<Payload, ErrorReply> {
        let encoding = self.encoding();
        let (error, payload) = match reply {
            Ok(payload) => (None, payload),
            Err(error) => {
                let remote = error.into_remote(encoding);
                (Some(remote.error), remote.payload)
            }
        };
        let (payload, wrapping) = self.sealing.seal(encoding, payload)?;
        let sent = self.shared.update_at_once(|state, _| {
            // In another session, the request is another one.
            if !state.is_of_this_session(self.ticket) {
                return Ok(());
            }
            let Ok(open) = state.session.reply(self.request) else { return Ok(()) };
            match error {
                Some(error) => open.error(RemoteError { error, payload, wrapping }),
                None => open.wrapped(*wrapping.unwrap_or_default())?.result(payload),
            }
        });
        sent?;
        Ok(Payload::empty())
    }
}
