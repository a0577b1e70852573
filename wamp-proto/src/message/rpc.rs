//! Remote procedure calls (M-34..M-43).

use super::{
    Forwarder, PayloadAttributes, Wire,
    attributes::{Attribute, attributes},
    element::{Cursor, Element, message},
    pubsub::is_revocation,
};
use crate::{
    codec::{DecodeError, EncodeError, Reader, Writer},
    error::Violation,
    id::{RegistrationId, RequestId, SessionId},
    uri::{Match, Uri},
};

message! {
    /// The caller calls a procedure (M-34).
    pub struct Call {
        /// The request.
        request: RequestId,
        /// How to call.
        options: CallOptions,
        /// The procedure.
        procedure: Uri,
    }
    payload: payload
}

attributes! {
    /// `CALL.Options` (M-95..M-100).
    pub struct CallOptions {
        /// Ask for progressive results.
        receive_progress: bool,
        /// More CALLs with the same request follow.
        progress: bool,
        /// Milliseconds until the call fails; 0 and `None` mean never.
        timeout: Option<u64>,
        /// Ask to show who calls.
        disclose_me: bool,
        /// Sharding mode; ignored.
        runmode: Option<String>,
        /// Sharding key; ignored.
        rkey: Option<String>,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
    groups {
        /// What the payload is wrapped in.
        payload_attributes: PayloadAttributes,
    }
}

message! {
    /// The caller gives up a call (M-35).
    pub struct Cancel {
        /// The call's request.
        request: RequestId,
        /// How to cancel.
        options: CancelOptions,
    }
}

attributes! {
    /// `CANCEL.Options` (M-101); `INTERRUPT.Options` (M-102) are the same.
    pub struct CancelOptions {
        /// What happens to the callee's work; the default is undefined in the specification.
        mode: Option<CancelMode>,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
}

message! {
    /// The dealer delivers the result of a call (M-36).
    pub struct Result {
        /// The call's request.
        request: RequestId,
        /// About the result.
        details: ResultDetails,
    }
    payload: payload
}

attributes! {
    /// `RESULT.Details` (M-103, M-104).
    pub struct ResultDetails {
        /// More results of this call follow.
        progress: bool,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
    groups {
        /// What the payload is wrapped in.
        payload_attributes: PayloadAttributes,
    }
}

message! {
    /// The callee offers a procedure (M-37).
    pub struct Register {
        /// The request.
        request: RequestId,
        /// How to register.
        options: RegisterOptions,
        /// The procedure, or a pattern when `options.match_policy` says so.
        procedure: Uri,
    }
}

attributes! {
    /// `REGISTER.Options` (M-105..M-108).
    pub struct RegisterOptions {
        /// How the procedure matches; `None` is exact.
        match_policy as "match": Option<Match>,
        /// How callees share the registration; `None` is single.
        invoke: Option<InvocationPolicy>,
        /// Show every caller to this callee.
        disclose_caller: bool,
        /// Leave call timeouts to this callee.
        forward_timeout: bool,
        /// Most calls that this callee gets at once; further ones wait. An extension of Crossbar.io.
        concurrency: Option<u64>,
        /// Take the procedure over from whoever has registered it. An extension of Crossbar.io.
        force_reregister: bool,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
}

message! {
    /// The dealer accepted the registration (M-38).
    pub struct Registered {
        /// The request.
        request: RequestId,
        /// The registration.
        registration: RegistrationId,
    }
}

message! {
    /// The callee gives up a registration (M-39).
    pub struct Unregister {
        /// The request.
        request: RequestId,
        /// The registration.
        registration: RegistrationId,
    }
}

/// The dealer ended a registration: asked to, or on its own (M-40).
#[derive(Clone, Debug, PartialEq)]
pub enum Unregistered {
    /// The answer to an UNREGISTER.
    Reply {
        /// The request.
        request: RequestId,
    },
    /// The dealer revoked the registration: request 0 and details.
    Revoked(RegistrationRevocation),
}

attributes! {
    /// `UNREGISTERED.Details` of a revocation (M-109).
    pub struct RegistrationRevocation {
        /// The registration that ended.
        registration: Option<RegistrationId>,
        /// Why.
        reason: Option<String>,
    }
}

impl Wire for Unregistered {
    fn decode(cursor: &mut Cursor<'_>) -> core::result::Result<Self, Violation> {
        if !is_revocation(cursor)? {
            return Ok(Self::Reply { request: Element::decode(cursor)? });
        }
        let details = RegistrationRevocation::decode(cursor)?;
        if details.registration.is_none() {
            return Err(cursor.wrong(2, "a dict with `registration`"));
        }
        Ok(Self::Revoked(details))
    }

    fn elements(&self) -> usize {
        match self {
            Self::Reply { .. } => 1,
            Self::Revoked(_) => 2,
        }
    }

    fn encode(&self, writer: &mut Writer) -> core::result::Result<(), EncodeError> {
        match self {
            Self::Reply { request } => request.encode(writer),
            Self::Revoked(details) => {
                writer.unsigned(0);
                details.encode(writer)
            }
        }
    }
}

message! {
    /// The dealer hands a call to the callee (M-41).
    pub struct Invocation {
        /// The invocation's request, the dealer's own towards this callee (I-07).
        request: RequestId,
        /// The registration that was called.
        registration: RegistrationId,
        /// About the call.
        details: InvocationDetails,
    }
    payload: payload
}

attributes! {
    /// `INVOCATION.Details` (M-110..M-115).
    pub struct InvocationDetails {
        /// The procedure, on pattern registrations.
        procedure: Option<Uri>,
        /// Who calls, when disclosed.
        caller: Option<SessionId>,
        /// The caller's authid, when disclosed.
        caller_authid: Option<String>,
        /// The caller's authrole, when disclosed.
        caller_authrole: Option<String>,
        /// How far the router trusts the call; 0 is lowest.
        trustlevel: Option<u64>,
        /// The caller takes progressive results.
        receive_progress: bool,
        /// More invocations with the same request follow.
        progress: bool,
        /// Milliseconds after which the callee should give up.
        timeout: Option<u64>,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
    groups {
        /// What the payload is wrapped in.
        payload_attributes: PayloadAttributes,
    }
}

message! {
    /// The dealer asks the callee to give up an invocation (M-42).
    pub struct Interrupt {
        /// The invocation's request.
        request: RequestId,
        /// How.
        options: CancelOptions,
    }
}

message! {
    /// The callee answers an invocation (M-43).
    pub struct Yield {
        /// The invocation's request.
        request: RequestId,
        /// About the answer.
        options: YieldOptions,
    }
    payload: payload
}

attributes! {
    /// `YIELD.Options` (M-116).
    pub struct YieldOptions {
        /// More answers to this invocation follow.
        progress: bool,
        /// Hops over router links.
        forward_for: Option<Vec<Forwarder>>,
    }
    groups {
        /// What the payload is wrapped in.
        payload_attributes: PayloadAttributes,
    }
}

/// A closed set of names in which a peer may use one that we do not know: it is kept as `Unknown`, for the one who
/// answers to refuse (M-120).
macro_rules! names {
    ($(#[$doc:meta])* pub enum $name:ident, $expected:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A name that this implementation does not know.
            Unknown,
        }

        impl $name {
            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* Self::Unknown => "unknown" }
            }
        }

        impl Attribute for $name {
            const EXPECTED: &'static str = $expected;

            fn read(reader: &mut Reader<'_>) -> core::result::Result<Self, DecodeError> {
                Ok(match &*reader.text()? { $($text => Self::$variant,)* _ => Self::Unknown })
            }

            fn write(&self, writer: &mut Writer) -> core::result::Result<(), EncodeError> {
                writer.text(self.as_str());
                Ok(())
            }

            fn is_absent(&self) -> bool {
                false
            }
        }
    };
}

names! {
    /// What happens to the callee's work when a call is canceled (R-81..R-83).
    pub enum CancelMode, "`skip`, `kill` or `killnowait`" {
        /// The caller is answered at once; the callee is not told.
        Skip = "skip",
        /// The callee is told, and its answer awaited.
        Kill = "kill",
        /// The caller is answered at once, and the callee told.
        KillNoWait = "killnowait",
    }
}

names! {
    /// How callees share a registration.
    pub enum InvocationPolicy, "an invocation policy" {
        /// One callee only; the default.
        Single = "single",
        /// In turn.
        RoundRobin = "roundrobin",
        /// By chance.
        Random = "random",
        /// The one that registered first.
        First = "first",
        /// The one that registered last.
        Last = "last",
    }
}
