//! The flags of `wamp meta`.

use clap::{Args, Subcommand, ValueEnum};
use wamp_tokio::proto::id::{RegistrationId, SessionId, SubscriptionId};

use super::{MatchPolicy, Until, id};

/// `wamp meta`.
#[derive(Debug, Subcommand)]
pub(crate) enum MetaCommand {
    /// Sessions: who has joined the realm.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Registrations: which procedures there are, and whose.
    #[command(subcommand)]
    Registration(RegistrationCommand),
    /// Subscriptions: which topics are listened to, and by whom.
    #[command(subcommand)]
    Subscription(SubscriptionCommand),
    /// Print what happens, one meta event in each line.
    Watch(Watch),
}

/// `wamp meta session`.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// What is answered at once.
    #[command(flatten)]
    Asking(SessionQuestion),
    /// Print the messages of a session as they come and go, one in each line, if the router allows it.
    Tap(Tap),
}

/// A question about sessions, or what is to become of them.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionQuestion {
    /// List the ids of all sessions.
    #[command(visible_alias = "list")]
    Ls(ByAuthrole),
    /// Count the sessions.
    Count(ByAuthrole),
    /// Show what is known of a session.
    Get {
        /// The session.
        #[arg(value_parser = id::<SessionId>)]
        session: SessionId,
    },
    /// Close a session.
    Kill {
        /// The session.
        #[arg(value_parser = id::<SessionId>)]
        session: SessionId,
        /// What it is told.
        #[command(flatten)]
        why: Why,
    },
    /// Close all sessions of an authid but our own.
    KillAuthid {
        /// The authid.
        // Not the id of the global flag, which would take it for who joins.
        #[arg(id = "killed", value_name = "AUTHID")]
        authid: String,
        /// What they are told.
        #[command(flatten)]
        why: Why,
    },
    /// Close all sessions of an authrole but our own.
    KillAuthrole {
        /// The authrole.
        authrole: String,
        /// What they are told.
        #[command(flatten)]
        why: Why,
    },
}

/// Which sessions.
#[derive(Debug, Args)]
pub(crate) struct ByAuthrole {
    /// Only those of this authrole; may be given several times.
    #[arg(long, value_name = "AUTHROLE")]
    pub(crate) authrole: Vec<String>,
}

/// Why a session is closed.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The reason, as a URI.
    #[arg(long, value_name = "URI", default_value = "wamp.close.killed")]
    pub(crate) reason: String,
    /// The reason, for people.
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
}

/// `wamp meta registration`.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistrationCommand {
    /// List the ids of all registrations, by how they match.
    #[command(visible_alias = "list")]
    Ls,
    /// Show what is known of a registration.
    Get(Registration),
    /// Find the registration that a call of this URI would go to.
    Match {
        /// The procedure.
        uri: String,
    },
    /// Find the registration of this URI.
    Lookup(Lookup),
    /// List the sessions that have a registration.
    Callees(Registration),
}

/// One registration.
#[derive(Debug, Args)]
pub(crate) struct Registration {
    /// The registration.
    #[arg(value_parser = id::<RegistrationId>)]
    pub(crate) registration: RegistrationId,
}

/// What was registered or subscribed to.
#[derive(Debug, Args)]
pub(crate) struct Lookup {
    /// The URI, or the pattern.
    pub(crate) uri: String,
    /// How it matches.
    #[arg(long = "match", value_name = "POLICY", value_enum, default_value = "exact")]
    pub(crate) policy: MatchPolicy,
}

/// `wamp meta subscription`.
#[derive(Debug, Subcommand)]
pub(crate) enum SubscriptionCommand {
    /// List the ids of all subscriptions, by how they match.
    #[command(visible_alias = "list")]
    Ls,
    /// Show what is known of a subscription.
    Get(Subscription),
    /// Find the subscriptions that an event of this topic would go to.
    Match {
        /// The topic.
        uri: String,
    },
    /// Find the subscription of this URI.
    Lookup(Lookup),
    /// List the sessions that have a subscription.
    Subscribers(Subscription),
    /// Print past events of a subscription, if the router keeps them.
    History {
        /// The subscription.
        #[command(flatten)]
        of: Subscription,
        /// Print the latest event first.
        #[arg(long)]
        reverse: bool,
        /// Print this many at most.
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
    },
}

/// One subscription.
#[derive(Debug, Args)]
pub(crate) struct Subscription {
    /// The subscription.
    #[arg(value_parser = id::<SubscriptionId>)]
    pub(crate) subscription: SubscriptionId,
}

/// `wamp meta session tap`.
#[derive(Debug, Args)]
pub(crate) struct Tap {
    /// The session.
    #[arg(value_parser = id::<SessionId>)]
    pub(crate) session: SessionId,
    /// Print the arguments of the messages, too: they may be anything, secrets as well.
    #[arg(long)]
    pub(crate) payload: bool,
    /// When to end.
    #[command(flatten)]
    pub(crate) until: Until,
}

/// `wamp meta watch`.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// What to watch, instead of everything.
    #[arg(value_enum)]
    pub(crate) what: Option<Watched>,
    /// When to end.
    #[command(flatten)]
    pub(crate) until: Until,
}

/// What meta events are about.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Watched {
    /// Sessions that join and leave.
    Session,
    /// Registrations that begin and end.
    Registration,
    /// Subscriptions that begin and end.
    Subscription,
}
