//! `wamp meta`: the meta API of the router, as it answers.

use wamp_tokio::{
    Client,
    meta::Tapped,
    proto::{Dict, Match, Value},
};

use super::subscribe::{self, How};
use crate::{
    args::{
        ByAuthrole, Lookup, MetaCommand, RegistrationCommand, SessionCommand, SessionQuestion,
        SubscriptionCommand, Tap, Watch, Watched, Why,
    },
    exit::{Code, Failure},
    session::Context,
};

/// Asks, or watches.
pub(crate) async fn run(context: &Context, command: MetaCommand) -> Result<(), Failure> {
    context
        .run(async |context, client| match command {
            MetaCommand::Session(SessionCommand::Tap(arguments)) => tap(context, client, &arguments).await,
            MetaCommand::Session(SessionCommand::Asking(command)) => {
                ask(context, client, session(command)).await
            }
            MetaCommand::Registration(command) => ask(context, client, registration(command)).await,
            MetaCommand::Subscription(command) => ask(context, client, subscription(command)).await,
            MetaCommand::Watch(arguments) => watch(context, client, &arguments).await,
        })
        .await
}

/// A meta procedure and its arguments.
struct Question {
    procedure: &'static str,
    args: Vec<Value>,
    kwargs: Dict,
}

impl Question {
    fn new(procedure: &'static str, args: impl IntoIterator<Item = Value>) -> Self {
        Self { procedure, args: args.into_iter().collect(), kwargs: Dict::new() }
    }

    fn with(mut self, key: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.kwargs.insert(key, value);
        }
        self
    }

    fn why(self, why: Why) -> Self {
        self.with("reason", Some(why.reason)).with("message", why.message)
    }
}

async fn ask(context: &Context, client: &Client, question: Question) -> Result<(), Failure> {
    let Question { procedure, args, kwargs } = question;
    let result = client.call(procedure).args(args).kwargs(kwargs).await?;
    if procedure != HISTORY {
        return context.printer.result(&result.payload);
    }
    // Past events are the arguments, or one list of them: a line each, as those that come.
    let events = match result.payload.list().map_err(wamp_tokio::Error::from)?.as_slice() {
        [Value::List(events)] => events.clone(),
        events => events.to_vec(),
    };
    events.into_iter().try_for_each(|event| context.printer.value(event))
}

const HISTORY: &str = "wamp.subscription.get_events";

fn session(command: SessionQuestion) -> Question {
    use SessionQuestion as S;
    let of = |procedure, by: ByAuthrole| {
        let roles = by.authrole.into_iter().map(Value::from).collect::<Vec<_>>();
        Question::new(procedure, (!roles.is_empty()).then_some(Value::List(roles)))
    };
    let one = |session: wamp_tokio::proto::id::SessionId| [Value::from(session.get())];
    match command {
        S::Ls(by) => of("wamp.session.list", by),
        S::Count(by) => of("wamp.session.count", by),
        S::Get { session } => Question::new("wamp.session.get", one(session)),
        S::Kill { session, why } => Question::new("wamp.session.kill", one(session)).why(why),
        S::KillAuthid { authid, why } => {
            Question::new("wamp.session.kill_by_authid", [authid.into()]).why(why)
        }
        S::KillAuthrole { authrole, why } => {
            Question::new("wamp.session.kill_by_authrole", [authrole.into()]).why(why)
        }
    }
}

/// A URI and how it matches.
fn lookup(procedure: &'static str, lookup: Lookup) -> Question {
    let options = Dict::from_iter([("match", Value::from(Match::from(lookup.policy).as_str()))]);
    Question::new(procedure, [lookup.uri.into(), Value::Dict(options)])
}

fn registration(command: RegistrationCommand) -> Question {
    use RegistrationCommand as R;
    match command {
        R::Ls => Question::new("wamp.registration.list", []),
        R::Get(of) => Question::new("wamp.registration.get", [of.registration.get().into()]),
        R::Match { uri } => Question::new("wamp.registration.match", [uri.into()]),
        R::Lookup(of) => lookup("wamp.registration.lookup", of),
        R::Callees(of) => Question::new("wamp.registration.list_callees", [of.registration.get().into()]),
    }
}

fn subscription(command: SubscriptionCommand) -> Question {
    use SubscriptionCommand as S;
    match command {
        S::Ls => Question::new("wamp.subscription.list", []),
        S::Get(of) => Question::new("wamp.subscription.get", [of.subscription.get().into()]),
        S::Match { uri } => Question::new("wamp.subscription.match", [uri.into()]),
        S::Lookup(of) => lookup("wamp.subscription.lookup", of),
        S::Subscribers(of) => {
            Question::new("wamp.subscription.list_subscribers", [of.subscription.get().into()])
        }
        S::History { of, reverse, limit } => Question::new(HISTORY, [of.subscription.get().into()])
            .with("reverse", Some(reverse))
            .with("limit", limit),
    }
}

async fn watch(context: &Context, client: &Client, arguments: &Watch) -> Result<(), Failure> {
    let topics = match arguments.what {
        None => "wamp.",
        Some(Watched::Session) => "wamp.session.",
        Some(Watched::Registration) => "wamp.registration.",
        Some(Watched::Subscription) => "wamp.subscription.",
    };
    let topics = subscribe::subscribed(context, [client.subscribe(topics).prefix().into_future()]).await?;
    subscribe::listen(context, client, topics, arguments.until, How::Lines).await
}

async fn tap(context: &Context, client: &Client, tap: &Tap) -> Result<(), Failure> {
    let asked = client.meta().sessions().tap(tap.session);
    let mut messages = if tap.payload { asked.with_payloads().await? } else { asked.await? };
    context.say(format_args!("tapping session {}", tap.session));
    subscribe::within(tap.until, async |seen| {
        while let Some(tapped) = messages.next().await {
            context.printer.value(shown(tapped?))?;
            *seen += 1;
            if Some(*seen) == tap.until.count {
                return Ok(());
            }
        }
        if let Some(closed) = client.close_reason() {
            return Err(wamp_tokio::Error::Closed(closed).into());
        }
        match tap.until.count {
            Some(count) => {
                let why = format!("the session has ended after {seen} of {count} messages");
                Err(Failure::new(Code::Lost, why))
            }
            None => {
                context.say("the session has ended");
                Ok(())
            }
        }
    })
    .await
}

fn shown(tapped: Tapped) -> Value {
    Value::Dict(Dict::from_iter([
        ("timestamp", tapped.timestamp.into()),
        ("sender", Value::from(tapped.sender.as_str())),
        ("message", tapped.message.into()),
        ("cut", tapped.cut.into()),
        ("dropped", tapped.dropped.into()),
    ]))
}
