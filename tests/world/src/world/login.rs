//! Peers that prove who they are, and whoever decides about them.

use std::sync::Arc;

use wamp_proto::{
    Channel, Encoding, Uri,
    auth::{Answer, Exchange, Policy, Proof},
    router::{ConnectionId, Opened, Question, Verdict},
    session::{self, Event, Session},
};

use super::{Client, End, LinkRule, REALM, Raw, SessionEnd, World};

/// What a client proves itself with, and over what.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name it claims.
    pub authid: Option<String>,
    /// Its proofs, best first.
    pub proofs: Vec<Proof>,
    /// What it insists on.
    pub policy: Policy,
    /// What it knows of the connection.
    pub channel: Channel,
    /// What the router knows of it, if that is something else.
    pub seen: Option<Channel>,
}

impl Login {
    /// With this name and proof, over a connection that nobody else reads.
    pub fn new(authid: &str, proof: Proof) -> Self {
        let (authid, proofs) = (Some(authid.to_owned()), vec![proof]);
        Self { authid, proofs, policy: Policy::default(), channel: Channel::unix(), seen: None }
    }
}

impl World {
    /// A client that proves who it is joins [`REALM`]; all is over when this returns, unless somebody has to decide or time
    /// must pass.
    pub fn login(&mut self, name: &str, encoding: Encoding, login: Login) -> Client {
        let mut config = session::Config::new(Uri::unchecked(REALM));
        config.agent = None;
        let Login { authid, proofs, policy, channel, seen } = login;
        let seen = seen.unwrap_or_else(|| channel.clone());
        let exchange = Exchange::new(authid, proofs, policy, channel, self.random.seed()).unwrap();
        exchange.fill(&mut config);
        let session = Session::new(Arc::new(config), encoding, self.now);
        let end = End::Session(Box::new(SessionEnd { exchange: Some(exchange), ..SessionEnd::new(session) }));
        let place = self.open_as(name, Opened::new(encoding).channel(seen), LinkRule::default(), end);
        self.run();
        Client(place)
    }

    /// A peer that sends what it is told, over a connection of which the router knows this.
    pub fn raw_as(&mut self, name: &str, opened: Opened) -> Raw {
        Raw(self.open_as(name, opened, LinkRule::default(), End::Raw(Vec::new())))
    }

    /// What the router wants to know, and nobody has looked at yet.
    pub fn questions(&mut self) -> Vec<Question> {
        std::iter::from_fn(|| self.router.poll_question()).collect()
    }

    /// Answers a question, and lets everything happen that follows.
    pub fn decide(&mut self, connection: ConnectionId, verdict: Verdict) -> bool {
        let decided = self.router.decide(self.now, connection, verdict);
        self.run();
        decided
    }
}

impl SessionEnd {
    pub(super) fn new(session: Session) -> Self {
        Self { session, events: Vec::new(), invocations: super::VecDeque::new(), exchange: None }
    }

    /// The client's part of an authentication.
    pub(super) fn authenticate(&mut self, event: &Event) {
        let Some(exchange) = &mut self.exchange else { return };
        let failed = match event {
            Event::Challenge(challenge) => match exchange.answer(challenge) {
                Ok(Answer::Authenticate { signature, extra }) => {
                    self.session.authenticate(signature, extra).unwrap();
                    return;
                }
                Ok(other) => panic!("{other:?}"),
                Err(why) => Err(why),
            },
            Event::Joined(welcome) => exchange.check_welcome(welcome),
            _ => Ok(()),
        };
        if let Err(why) = failed {
            self.session.distrust(why);
        }
    }
}
