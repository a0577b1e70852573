//! Roles and the features they announce (M-50, M-59, F-01..F-36).

use super::attributes::Attribute;
use crate::codec::{DecodeError, EncodeError, Kind, Reader, Writer};

/// What a peer is to the other: four roles of a client, two of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends events.
    Publisher,
    /// Receives events.
    Subscriber,
    /// Calls procedures.
    Caller,
    /// Offers procedures.
    Callee,
    /// Routes events.
    Broker,
    /// Routes calls.
    Dealer,
}

impl Role {
    /// The roles of a client.
    pub const CLIENT: [Self; 4] = [Self::Publisher, Self::Subscriber, Self::Caller, Self::Callee];
    /// The roles of a router.
    pub const ROUTER: [Self; 2] = [Self::Broker, Self::Dealer];
    const ALL: [Self; 6] =
        [Self::Publisher, Self::Subscriber, Self::Caller, Self::Callee, Self::Broker, Self::Dealer];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
            Self::Caller => "caller",
            Self::Callee => "callee",
            Self::Broker => "broker",
            Self::Dealer => "dealer",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

macro_rules! features {
    ($($(#[$doc:meta])* $feature:ident = $key:literal,)*) => {
        /// A feature of the advanced profile (F-10..F-35).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Feature {
            $($(#[$doc])* $feature,)*
        }

        impl Feature {
            /// Every feature.
            pub const ALL: &'static [Self] = &[$(Self::$feature,)*];

            /// The key on the wire.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$feature => $key,)* }
            }
        }
    };
}

features! {
    /// F-10.
    ProgressiveCallResults = "progressive_call_results",
    /// F-11.
    ProgressiveCallInvocations = "progressive_call_invocations",
    /// F-12.
    CallTimeout = "call_timeout",
    /// F-13; `call_cancelling` is understood too (F-20).
    CallCanceling = "call_canceling",
    /// F-14.
    CallerIdentification = "caller_identification",
    /// F-15.
    CallTrustlevels = "call_trustlevels",
    /// F-16.
    RegistrationMetaApi = "registration_meta_api",
    /// F-17.
    PatternBasedRegistration = "pattern_based_registration",
    /// F-18.
    SharedRegistration = "shared_registration",
    /// F-21.
    RegistrationRevocation = "registration_revocation",
    /// F-22.
    CallReroute = "call_reroute",
    /// F-23.
    SessionMetaApi = "session_meta_api",
    /// F-24.
    TestamentMetaApi = "testament_meta_api",
    /// F-25.
    PayloadPassthruMode = "payload_passthru_mode",
    /// F-26.
    SubscriberBlackwhiteListing = "subscriber_blackwhite_listing",
    /// F-27.
    PublisherExclusion = "publisher_exclusion",
    /// F-28.
    PublisherIdentification = "publisher_identification",
    /// F-29.
    PublicationTrustlevels = "publication_trustlevels",
    /// F-30.
    SubscriptionMetaApi = "subscription_meta_api",
    /// F-31.
    PatternBasedSubscription = "pattern_based_subscription",
    /// F-33.
    SubscriptionRevocation = "subscription_revocation",
    /// F-34.
    EventHistory = "event_history",
    /// F-35.
    EventRetention = "event_retention",
}

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// No feature: the basic profile (S-08).
    pub const NONE: Self = Self(0);

    /// With `feature` added.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | (1 << feature as u32))
    }

    /// Whether `feature` is in the set (F-02).
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u32) != 0
    }

    fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.iter().copied().filter(move |feature| self.contains(*feature))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut features = Self::NONE;
        reader.dict()?;
        while let Some(key) = reader.key()? {
            let known = match &*key {
                "call_cancelling" => Some(Feature::CallCanceling),
                key => Feature::ALL.iter().copied().find(|feature| feature.key() == key),
            };
            match known {
                Some(feature) if reader.peek()? != Kind::Null => {
                    if reader.bool()? {
                        features = features.with(feature);
                    }
                }
                _ => reader.skip()?,
            }
        }
        Ok(features)
    }
}

/// The roles that a peer announced, each with its features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles([Option<Features>; 6]);

impl Roles {
    /// No role at all.
    pub const NONE: Self = Self([None; 6]);

    /// With `role` and its features added, or replaced.
    #[must_use]
    pub fn with(mut self, role: Role, features: Features) -> Self {
        if let Some(slot) = self.0.get_mut(role as usize) {
            *slot = Some(features);
        }
        self
    }

    /// The features of `role`; `None` when the role was not announced.
    pub fn get(&self, role: Role) -> Option<Features> {
        self.0.get(role as usize).copied().flatten()
    }

    /// Whether the peer has the role.
    pub fn has(&self, role: Role) -> bool {
        self.get(role).is_some()
    }

    /// Whether the peer has the role with this feature.
    pub fn supports(&self, role: Role, feature: Feature) -> bool {
        self.get(role).is_some_and(|features| features.contains(feature))
    }

    fn iter(&self) -> impl Iterator<Item = (Role, Features)> {
        Role::ALL.into_iter().filter_map(|role| Some((role, self.get(role)?)))
    }
}

impl Attribute for Roles {
    const EXPECTED: &'static str = "a dict of roles, each a dict with `features`, a dict of bools";

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut roles = Self::NONE;
        reader.dict()?;
        while let Some(key) = reader.key()? {
            match Role::from_name(&key) {
                Some(role) if reader.peek()? != Kind::Null => roles = roles.with(role, read_role(reader)?),
                _ => reader.skip()?,
            }
        }
        Ok(roles)
    }

    fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        writer.dict(Some(self.iter().count()));
        for (role, features) in self.iter() {
            writer.key(role.name());
            if features == Features::NONE {
                writer.dict(Some(0));
            } else {
                writer.dict(Some(1));
                writer.key("features");
                writer.dict(Some(features.iter().count()));
                for feature in features.iter() {
                    writer.key(feature.key());
                    writer.bool(true);
                }
                writer.end();
            }
            writer.end();
        }
        writer.end();
        Ok(())
    }

    fn is_absent(&self) -> bool {
        *self == Self::NONE
    }
}

fn read_role(reader: &mut Reader<'_>) -> Result<Features, DecodeError> {
    let mut features = Features::NONE;
    reader.dict()?;
    while let Some(key) = reader.key()? {
        if key == "features" && reader.peek()? != Kind::Null {
            features = Features::read(reader)?;
        } else {
            reader.skip()?;
        }
    }
    Ok(features)
}
