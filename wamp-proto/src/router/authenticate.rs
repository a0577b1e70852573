//! Authentication at the router: which method, CHALLENGE, AUTHENTICATE, decisions from outside (A-01..A-78).

use core::hash::BuildHasher as _;

use super::{
    Authentication, ConnectionId, Event, Grant, Principal, Question, Router, Verdict,
    link::{Class, Peer, Sent},
    state::State,
    timers::Timeout,
};
#[cfg(feature = "cryptosign")]
use crate::auth::public_key;
use crate::{
    auth::{Claim, Credential, Expected, Method, Secret},
    channel::Channel,
    error::{Closed, Violation},
    id::SessionId,
    map::Seeded,
    message::{Authenticate, Challenge, ChallengeExtra, Hello, HelloDetails, MessageKind},
    time::Instant,
    uri::{Uri, uris},
};

/// A client that is on its way to become a session.
#[derive(Debug)]
pub(super) struct Joining {
    /// Drawn before CHALLENGE names it (A-31, T-66).
    pub(super) session: SessionId,
    pub(super) hello: Hello,
    method: Method,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// A decision from outside.
    Asked { proven: bool },
    /// A ticket, for a decision from outside.
    Ticket,
    /// The answer to a challenge; whoever it is then.
    Challenged(Box<(Expected, Challenged)>),
}

/// Who is challenged.
#[derive(Debug)]
struct Challenged {
    grant: Grant,
    /// Nobody is let in whatever the answer is: there is no such one.
    decoy: bool,
}

impl Challenged {
    fn real(grant: Grant) -> Self {
        Self { grant, decoy: false }
    }

    fn decoy(grant: Grant) -> Self {
        Self { grant, decoy: true }
    }
}

/// What to do about a HELLO.
enum Choice {
    Admit(&'static str, Grant),
    Challenge(Method, Challenged, Credential),
    Ask(Method),
}

/// Why there is no choice.
pub(super) type NoChoice = (&'static str, String);

/// What everybody is told whose proof does not hold, known or not (fault 77).
const DENIED: &str = "the credentials are not accepted";

impl Router {
    /// HELLO is in order: lets the client in, or asks it for proof.
    pub(super) fn authenticate(&mut self, now: Instant, peer: Peer, hello: Hello) {
        let choice = match self.choose(peer, &hello) {
            Ok(choice) => choice,
            Err((reason, message)) => return self.refuse(now, peer, reason, message),
        };
        let session = self.draw_session();
        let joining = |method, step| Joining { session, hello, method, step };
        match choice {
            Choice::Admit(authmethod, mut grant) => {
                if grant.authid.is_empty() {
                    // the router makes up who an anonymous client is.
                    grant.authid = format!("{authmethod}-{:014x}", self.random.draw::<SessionId>().get());
                }
                let method = Method::of(authmethod).unwrap_or(Method::Anonymous);
                let joining = joining(method, Step::Asked { proven: true });
                self.welcome(now, peer, joining, authmethod, grant, None);
            }
            Choice::Challenge(method, who, credential) => {
                self.links.set_deadline(peer, now + self.config.auth_timeout, Timeout::Authenticate);
                self.challenge(now, peer, joining(method, Step::Ticket), who, &credential);
            }
            Choice::Ask(method) => {
                self.links.set_deadline(peer, now + self.config.auth_timeout, Timeout::Authenticate);
                match method {
                    Method::Ticket => self.send_challenge(
                        now,
                        peer,
                        joining(method, Step::Ticket),
                        Challenge { authmethod: method.name().to_owned(), extra: ChallengeExtra::default() },
                    ),
                    _ => self.ask(peer, joining(method, Step::Asked { proven: false }), None),
                }
            }
        }
    }

    /// The first method of the client's that is taken here and can be used for it.
    fn choose(&self, peer: Peer, hello: &Hello) -> Result<Choice, NoChoice> {
        let failed = || (uris::error::AUTHENTICATION_FAILED, String::new());
        let (channel, known) = self.links.get(peer).map(|link| &*link.origin).ok_or_else(failed)?;
        let offered = hello.details.authmethods.as_deref().unwrap_or_default();
        // a client that offers no method is anonymous.
        let offers = |method: Method| match offered {
            [] => method == Method::Anonymous,
            offered => offered.iter().any(|name| name == method.name()),
        };
        if let Some(grant) = known.as_ref().filter(|_| offers(Method::Anonymous)) {
            return Ok(Choice::Admit("trusted", grant.clone()));
        }
        let rule = self.rule(&hello.realm, channel);
        let names = offered.iter().filter_map(|name| Method::of(name));
        let names = names.chain(offered.is_empty().then_some(Method::Anonymous));
        let choice = rule.and_then(|rule| {
            let taken = |method: &Method| rule.methods.contains(method);
            let mut names = names.filter(taken);
            names.find_map(|method| rule.choose(method, &hello.details, channel, self.decoys))
        });
        choice.ok_or_else(|| no_choice(rule, offered))
    }

    /// The rule for a client: the first that fits.
    fn rule(&self, realm: &Uri, channel: &Channel) -> Option<&Authentication> {
        self.realms.like(realm).ok().and_then(|like| self.config.rule(like, channel))
    }

    /// Sends a challenge that only somebody with this credential can answer.
    fn challenge(
        &mut self,
        now: Instant,
        peer: Peer,
        joining: Joining,
        who: Challenged,
        credential: &Credential,
    ) {
        let nonce = self.random.seed();
        let method = joining.method.name();
        let Some((channel, _)) = self.links.get(peer).map(|link| &*link.origin) else { return };
        #[cfg(feature = "cryptosign")]
        let rule = self.rule(&joining.hello.realm, channel);
        let claim = Claim {
            authid: joining.hello.details.authid.as_deref().unwrap_or_default(),
            hello: &joining.hello.details,
            channel,
            nonce,
            #[cfg(feature = "cra")]
            to_sign: self.to_sign(now, &joining, &who.grant, nonce),
            #[cfg(feature = "cryptosign")]
            router_key: rule.and_then(|rule| rule.router_key.as_ref()),
        };
        match Expected::new(credential, claim) {
            Ok((expected, extra)) => {
                let joining = Joining { step: Step::Challenged(Box::new((expected, who))), ..joining };
                self.send_challenge(now, peer, joining, Challenge { authmethod: method.to_owned(), extra });
            }
            Err(wrong) => self.refuse(now, peer, uris::error::AUTHENTICATION_FAILED, wrong.to_owned()),
        }
    }

    fn send_challenge(&mut self, now: Instant, peer: Peer, joining: Joining, challenge: Challenge) {
        if self.links.send(now, peer, Class::Reply, challenge) != Sent::Queued {
            let text = "CHALLENGE is larger than the client accepts";
            return self.refuse(now, peer, uris::error::PAYLOAD_SIZE_EXCEEDED, text.to_owned());
        }
        self.wait(peer, joining);
    }

    fn wait(&mut self, peer: Peer, joining: Joining) {
        if let Some(link) = self.links.get_mut(peer) {
            link.state = State::Authenticating;
            link.joining = Some(Box::new(joining));
        }
    }

    /// The text that WAMP-CRA signs.
    #[cfg(feature = "cra")]
    fn to_sign(&self, now: Instant, joining: &Joining, grant: &Grant, nonce: [u8; 32]) -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD};

        let authid = joining.hello.details.authid.as_deref().unwrap_or_default();
        let text = crate::dict::Dict::from_iter([
            ("authid", crate::Value::from(authid)),
            ("authrole", grant.authrole.as_str().into()),
            ("authmethod", Method::Cra.name().into()),
            ("authprovider", grant.authprovider.as_str().into()),
            ("nonce", STANDARD.encode(nonce).into()),
            ("timestamp", super::timestamp::format(self.config.unix_micros(now)).into()),
            ("session", joining.session.get().into()),
        ]);
        crate::Value::Dict(text).to_string()
    }

    fn ask(&mut self, peer: Peer, joining: Joining, ticket: Option<Secret>) {
        let Some(link) = self.links.get(peer) else { return };
        let hello = &joining.hello;
        let details = HelloDetails { transport: None, ..hello.details.clone() };
        let like = self.realms.like(&hello.realm).unwrap_or(&hello.realm).clone();
        let question = Question {
            connection: self.links.id(peer),
            realm: hello.realm.clone(),
            like,
            method: joining.method,
            session: joining.session,
            details,
            channel: link.origin.0.clone(),
            ticket,
        };
        self.questions.push_back(question);
        self.wait(peer, joining);
    }

    pub(super) fn receive_authenticate(&mut self, now: Instant, peer: Peer, answer: &Authenticate) {
        // What was challenged is answered once (fault 79).
        let Some(joining) = self.links.get_mut(peer).and_then(|link| link.joining.take()) else { return };
        let mut joining = *joining;
        match joining.step {
            Step::Asked { .. } => {
                let state = "while the one before is looked at";
                self.violate(now, peer, Violation::Unexpected { message: MessageKind::Authenticate, state });
            }
            Step::Ticket => {
                joining.step = Step::Asked { proven: true };
                self.ask(peer, joining, Some(answer.signature.clone()));
            }
            Step::Challenged(challenged) => {
                let (expected, who) = *challenged;
                joining.step = Step::Asked { proven: true };
                match expected.verify(answer) {
                    Some(proof) if !who.decoy => {
                        let method = joining.method.name();
                        self.welcome(now, peer, joining, method, who.grant, proof);
                    }
                    _ => self.deny(now, peer, &joining),
                }
            }
        }
    }

    /// Answers a question that [`poll_question`](Self::poll_question) gave. Does nothing, and returns false, when it is
    /// answered already, the connection is gone, or its time is over.
    pub fn decide(&mut self, now: Instant, connection: ConnectionId, verdict: Verdict) -> bool {
        let Some(peer) = self.links.find(connection) else { return false };
        let Some(link) = self.links.get_mut(peer) else { return false };
        let asked = |joining: &mut Box<Joining>| matches!(joining.step, Step::Asked { .. });
        let Some(joining) = link.joining.take_if(asked) else { return false };
        self.act(now, peer, *joining, verdict);
        self.reap(now);
        true
    }

    fn act(&mut self, now: Instant, peer: Peer, joining: Joining, verdict: Verdict) {
        let proven = matches!(joining.step, Step::Asked { proven: true });
        let by_itself = matches!(joining.method, Method::Anonymous | Method::Tls | Method::Cookie);
        let method = joining.method.name();
        match verdict {
            Verdict::Accept(grant) if proven || by_itself => {
                self.welcome(now, peer, joining, method, grant, None);
            }
            #[cfg(feature = "cryptosign")]
            Verdict::Accept(grant) if joining.method == Method::Cryptosign => {
                let shown = public_key(&joining.hello.details).into_iter().collect();
                self.challenge(now, peer, joining, Challenged::real(grant), &Credential::Cryptosign(shown));
            }
            Verdict::Challenge { grant, credential } if !proven && credential.method() == joining.method => {
                let nobody = || Challenged::decoy(Grant::new("", "user"));
                self.challenge(now, peer, joining, grant.map_or_else(nobody, Challenged::real), &credential);
            }
            Verdict::Deny => self.deny(now, peer, &joining),
            Verdict::Refuse { reason, message } => {
                self.tell_denied(peer, &joining);
                self.abort(now, peer, Closed::Refused { reason, message: Some(message) });
            }
            Verdict::Accept(_) | Verdict::Challenge { .. } | Verdict::Fail => {
                self.tell_denied(peer, &joining);
                let text = "the router cannot authenticate at the moment".to_owned();
                self.refuse(now, peer, uris::error::AUTHENTICATION_FAILED, text);
            }
        }
    }

    fn deny(&mut self, now: Instant, peer: Peer, joining: &Joining) {
        self.tell_denied(peer, joining);
        self.refuse(now, peer, uris::error::AUTHENTICATION_DENIED, DENIED.to_owned());
    }

    fn tell_denied(&mut self, peer: Peer, joining: &Joining) {
        let address = self.links.get(peer).and_then(|link| link.origin.0.peer.clone());
        let details = &joining.hello.details;
        self.links.totals.rejected = self.links.totals.rejected.wrapping_add(1);
        self.links.tell(Event::Denied {
            connection: self.links.id(peer),
            realm: joining.hello.realm.clone(),
            authid: details.authid.as_deref().map(|authid| authid.chars().take(MAX_SHOWN).collect()),
            method: joining.method,
            peer: address,
        });
    }
}

/// Why none of the offered methods can be used.
fn no_choice(rule: Option<&Authentication>, offered: &[String]) -> NoChoice {
    let methods = rule.into_iter().flat_map(|rule| &rule.methods).map(|method| method.name());
    let takes = methods.collect::<Vec<_>>().join(", ");
    if offered.iter().all(|name| name == Method::Anonymous.name()) {
        //
        let text = format!("anonymous clients may not join; this realm takes {takes}");
        return (uris::error::AUTHENTICATION_REQUIRED, text);
    }
    let text = format!("none of the methods offered can be used; this realm takes {takes}");
    (uris::error::NO_MATCHING_AUTH_METHOD, text)
}

/// Most characters of a name that a log is given.
const MAX_SHOWN: usize = 200;

impl Authentication {
    /// What this method comes to for this client; `None` when it is not to be used for it.
    fn choose(
        &self,
        method: Method,
        hello: &HelloDetails,
        channel: &Channel,
        decoys: Seeded,
    ) -> Option<Choice> {
        match method {
            Method::Anonymous => Some(Choice::Admit(method.name(), Grant::new("", &*self.anonymous_role))),
            Method::Tls => self.shown(method, channel, channel.client_certificate.is_some()),
            Method::Cookie => self.shown(method, channel, channel.cookie.is_some()),
            _ => self.claimed(method, hello, decoys),
        }
    }

    /// What the connection itself shows.
    fn shown(&self, method: Method, channel: &Channel, any: bool) -> Option<Choice> {
        let shows =
            |credential: &Credential| credential.method() == method && credential.is_shown_by(channel);
        let known = self.principals.iter().find(|principal| principal.credentials.iter().any(shows));
        let admit = known.map(|principal| Choice::Admit(method.name(), principal.grant()));
        admit.or_else(|| (any && self.ask).then_some(Choice::Ask(method)))
    }

    /// What the client has to prove.
    fn claimed(&self, method: Method, hello: &HelloDetails, decoys: Seeded) -> Option<Choice> {
        if let Some(principal) = self.find(method, hello) {
            let credential = principal.credential_for(method)?;
            return Some(Choice::Challenge(method, Challenged::real(principal.grant()), credential.clone()));
        }
        if hello.authid.is_none() && method != Method::Cryptosign {
            return None;
        }
        if self.ask {
            return Some(Choice::Ask(method));
        }
        self.decoy(method, hello.authid.as_deref().unwrap_or_default(), decoys)
    }

    /// By name; without one, by the key that is shown.
    #[cfg_attr(not(feature = "cryptosign"), expect(unused_variables, reason = "others go by name"))]
    fn find(&self, method: Method, hello: &HelloDetails) -> Option<&Principal> {
        match &hello.authid {
            Some(authid) => self.principals.iter().find(|principal| principal.authid == *authid),
            #[cfg(feature = "cryptosign")]
            None if method == Method::Cryptosign => {
                let key = public_key(hello)?;
                let has = |credential: &Credential| match credential {
                    Credential::Cryptosign(keys) => keys.contains(&key),
                    _ => false,
                };
                self.principals.iter().find(|principal| principal.credentials.iter().any(has))
            }
            None => None,
        }
    }

    /// Somebody who is not there is treated as one who is, always the same for a name: from what comes, nobody learns who is
    /// known (fault 77, A-42).
    fn decoy(&self, method: Method, authid: &str, decoys: Seeded) -> Option<Choice> {
        let provable = |principal: &&Principal| {
            let challenged = |credential: &Credential| {
                !matches!(credential.method(), Method::Tls | Method::Cookie | Method::Anonymous)
            };
            principal.credentials.iter().any(challenged)
        };
        let templates = self.principals.iter().filter(provable).collect::<Vec<_>>();
        let hash = |part: u64| decoys.hash_one((part, authid));
        let index = hash(0).checked_rem(templates.len() as u64)?;
        let template = templates.get(usize::try_from(index).ok()?)?;
        let mut bytes = [0; 32];
        bytes
            .chunks_mut(8)
            .zip(1..)
            .for_each(|(bytes, part)| bytes.copy_from_slice(&hash(part).to_be_bytes()));
        let credential = template.credential_for(method)?.decoy(bytes);
        Some(Choice::Challenge(method, Challenged::decoy(template.grant()), credential))
    }
}
