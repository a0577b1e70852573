//! What a client session can do, in one line each.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use wamp_proto::{
    Encoding, Match, Payload, Uri,
    error::{Closed, Misuse, RemoteError},
    id::{RegistrationId, RequestId, SessionId, SubscriptionId},
    message::{
        CallOptions, CancelMode, PayloadAttributes, PublishOptions, RegisterOptions, SubscribeOptions,
        Welcome,
    },
    session::{Call, Event, Failure},
    uri::uris,
};

use super::World;

/// A client session of a [`World`].
///
/// What a client is told to do is on its way when the method returns; [`World::run`] lets it arrive. Requests that the
/// session refuses panic: a scenario says what it knows to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub(super) usize);

impl Client {
    /// Registers a procedure.
    pub fn register(self, world: &mut World, procedure: &str) -> RequestId {
        self.register_with(world, procedure, RegisterOptions::default())
    }

    /// Registers a pattern.
    pub fn register_pattern(self, world: &mut World, kind: Match, pattern: &str) -> RequestId {
        let options = RegisterOptions { match_policy: Some(kind), ..RegisterOptions::default() };
        self.register_with(world, pattern, options)
    }

    /// Registers with options.
    pub fn register_with(self, world: &mut World, procedure: &str, options: RegisterOptions) -> RequestId {
        let (now, procedure) = (world.now, Uri::unchecked(procedure));
        let request = world.session(self.0).session.register(now, procedure, options).unwrap();
        world.flush();
        request
    }

    /// Gives up a registration.
    pub fn unregister(self, world: &mut World, registration: RegistrationId) -> RequestId {
        let now = world.now;
        let request = world.session(self.0).session.unregister(now, registration).unwrap();
        world.flush();
        request
    }

    /// Calls a procedure with positional arguments.
    pub fn call(self, world: &mut World, procedure: &str, args: impl Serialize) -> RequestId {
        self.try_call(world, procedure, args).unwrap()
    }

    /// Calls with options.
    pub fn call_with(
        self,
        world: &mut World,
        procedure: &str,
        args: impl Serialize,
        options: CallOptions,
    ) -> RequestId {
        let (now, payload) = (world.now, Payload::from_args(self.encoding(world), &args).unwrap());
        let call = Call { options, ..Call::new(Uri::unchecked(procedure), payload) };
        // The router's limits are the ones that are looked at.
        let call = Call { timeout: Some(Duration::from_secs(3600)), ..call };
        let request = world.session(self.0).session.call(now, call).unwrap();
        world.flush();
        request
    }

    /// Sends a further part of the arguments of a progressive call.
    pub fn continue_call(self, world: &mut World, call: RequestId, args: impl Serialize, progress: bool) {
        let (now, payload) = (world.now, Payload::from_args(self.encoding(world), &args).unwrap());
        world.session(self.0).session.continue_call(now, call, payload, progress).unwrap();
        world.flush();
    }

    /// Sends a part of the result of the oldest invocation that has no answer yet.
    pub fn progress(self, world: &mut World, args: impl Serialize) {
        let payload = Payload::from_args(self.encoding(world), &args).unwrap();
        let end = world.session(self.0);
        let invocation = *end.invocations.front().unwrap();
        end.session.reply(invocation).unwrap().progress(payload).unwrap();
        world.flush();
    }

    /// The same, when the session may refuse.
    ///
    /// # Errors
    ///
    /// As the session says.
    pub fn try_call(
        self,
        world: &mut World,
        procedure: &str,
        args: impl Serialize,
    ) -> Result<RequestId, Misuse> {
        let (now, payload) = (world.now, Payload::from_args(self.encoding(world), &args)?);
        let call = Call::new(Uri::unchecked(procedure), payload);
        let request = world.session(self.0).session.call(now, call);
        world.flush();
        request
    }

    /// Makes any call, unless the session refuses.
    ///
    /// # Errors
    ///
    /// As the session says.
    pub fn send_call(self, world: &mut World, call: Call) -> Result<RequestId, Misuse> {
        let now = world.now;
        let request = world.session(self.0).session.call(now, call);
        world.flush();
        request
    }

    /// Calls a procedure with positional and keyword arguments.
    pub fn call_keywords(
        self,
        world: &mut World,
        procedure: &str,
        args: impl Serialize,
        kwargs: impl Serialize,
    ) -> RequestId {
        let (now, payload) = (world.now, Payload::new(self.encoding(world), &args, &kwargs).unwrap());
        let call = Call::new(Uri::unchecked(procedure), payload);
        let request = world.session(self.0).session.call(now, call).unwrap();
        world.flush();
        request
    }

    /// Calls a procedure, lets everything happen that follows, and gives the result as JSON, or the error's URI.
    pub fn ask(
        self,
        world: &mut World,
        procedure: &str,
        args: impl Serialize,
        kwargs: impl Serialize,
    ) -> String {
        let call = self.call_keywords(world, procedure, args, kwargs);
        world.run();
        let found = world.session(self.0).events.iter().find_map(|event| match event {
            Event::Result { request, payload, .. } if *request == call => {
                let json = payload.transcode(Encoding::Json).unwrap();
                Some(String::from_utf8(json.raw().to_vec()).unwrap())
            }
            Event::Failed { request, failure } if *request == call => Some(reason(failure)),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("call {call} is not finished"))
    }

    /// Cancels a call.
    pub fn cancel(self, world: &mut World, call: RequestId, mode: CancelMode) {
        world.session(self.0).session.cancel(call, mode).unwrap();
        world.flush();
    }

    /// Publishes positional arguments, without acknowledgement.
    pub fn publish(self, world: &mut World, topic: &str, args: impl Serialize) -> RequestId {
        self.publish_with(world, topic, args, PublishOptions::default())
    }

    /// Publishes with options.
    pub fn publish_with(
        self,
        world: &mut World,
        topic: &str,
        args: impl Serialize,
        options: PublishOptions,
    ) -> RequestId {
        let payload = Payload::from_args(self.encoding(world), &args).unwrap();
        self.publish_payload(world, topic, payload, options)
    }

    /// Publishes any payload.
    pub fn publish_payload(
        self,
        world: &mut World,
        topic: &str,
        payload: Payload,
        options: PublishOptions,
    ) -> RequestId {
        let (now, topic) = (world.now, Uri::unchecked(topic));
        let request = world.session(self.0).session.publish(now, topic, options, payload).unwrap();
        world.flush();
        request
    }

    /// Publishes any payload, unless the session refuses.
    ///
    /// # Errors
    ///
    /// As the session says.
    pub fn try_publish(
        self,
        world: &mut World,
        topic: &str,
        payload: Payload,
        options: PublishOptions,
    ) -> Result<RequestId, Misuse> {
        let (now, topic) = (world.now, Uri::unchecked(topic));
        let request = world.session(self.0).session.publish(now, topic, options, payload);
        world.flush();
        request
    }

    /// Subscribes to a topic.
    pub fn subscribe(self, world: &mut World, topic: &str) -> RequestId {
        self.subscribe_with(world, topic, SubscribeOptions::default())
    }

    /// Subscribes to a pattern.
    pub fn subscribe_pattern(self, world: &mut World, kind: Match, pattern: &str) -> RequestId {
        let options = SubscribeOptions { match_policy: Some(kind), ..SubscribeOptions::default() };
        self.subscribe_with(world, pattern, options)
    }

    /// Subscribes with options.
    pub fn subscribe_with(self, world: &mut World, topic: &str, options: SubscribeOptions) -> RequestId {
        let (now, topic) = (world.now, Uri::unchecked(topic));
        let request = world.session(self.0).session.subscribe(now, topic, options).unwrap();
        world.flush();
        request
    }

    /// Gives up a subscription.
    pub fn unsubscribe(self, world: &mut World, subscription: SubscriptionId) -> RequestId {
        let now = world.now;
        let request = world.session(self.0).session.unsubscribe(now, subscription).unwrap();
        world.flush();
        request
    }

    /// Answers the oldest invocation that has no answer yet.
    pub fn answer(self, world: &mut World, args: impl Serialize) {
        let payload = Payload::from_args(self.encoding(world), &args).unwrap();
        let end = world.session(self.0);
        let invocation = end.invocations.pop_front().unwrap();
        end.session.reply(invocation).unwrap().result(payload).unwrap();
        world.flush();
    }

    /// Answers the oldest invocation with a wrapped payload.
    pub fn answer_wrapped(self, world: &mut World, attributes: PayloadAttributes, payload: Payload) {
        let end = world.session(self.0);
        let invocation = end.invocations.pop_front().unwrap();
        end.session.reply(invocation).unwrap().wrapped(attributes).unwrap().result(payload).unwrap();
        world.flush();
    }

    /// Sends a wrapped part of the answer to the oldest invocation.
    pub fn progress_wrapped(self, world: &mut World, attributes: PayloadAttributes, payload: Payload) {
        let end = world.session(self.0);
        let invocation = *end.invocations.front().unwrap();
        end.session.reply(invocation).unwrap().wrapped(attributes).unwrap().progress(payload).unwrap();
        world.flush();
    }

    /// Answers the oldest invocation with an error.
    pub fn fail(self, world: &mut World, error: &str, args: impl Serialize) {
        let payload = Payload::from_args(self.encoding(world), &args).unwrap();
        let error = RemoteError::new(Uri::unchecked(error), payload);
        let end = world.session(self.0);
        let invocation = end.invocations.pop_front().unwrap();
        end.session.reply(invocation).unwrap().error(error).unwrap();
        world.flush();
    }

    /// Says GOODBYE.
    pub fn leave(self, world: &mut World) {
        let now = world.now;
        world.session(self.0).session.close(now, Uri::unchecked(uris::close::CLOSE_REALM));
        world.flush();
    }

    /// The WELCOME of the session.
    ///
    /// # Panics
    ///
    /// When it has not come, or [`events`](Self::events) has taken it.
    pub fn welcome(self, world: &mut World) -> Welcome {
        let found = world.session(self.0).events.iter().find_map(|event| match event {
            Event::Joined(welcome) => Some(&**welcome),
            _ => None,
        });
        found.unwrap().clone()
    }

    /// The session's id.
    ///
    /// # Panics
    ///
    /// As [`welcome`](Self::welcome).
    pub fn session_id(self, world: &mut World) -> SessionId {
        self.welcome(world).session
    }

    /// The events since the last look.
    pub fn events(self, world: &mut World) -> Vec<Event> {
        core::mem::take(&mut world.session(self.0).events)
    }

    /// The result of a call as a value, or the URI of its error.
    ///
    /// # Errors
    ///
    /// The error's URI, or `timeout`.
    ///
    /// # Panics
    ///
    /// When the call is not finished.
    pub fn result<T: DeserializeOwned>(self, world: &mut World, call: RequestId) -> Result<T, String> {
        for event in &world.session(self.0).events {
            match event {
                Event::Result { request, payload, .. } if *request == call => {
                    return Ok(payload.value().unwrap());
                }
                Event::Failed { request, failure } if *request == call => return Err(reason(failure)),
                _ => {}
            }
        }
        panic!("call {call} is not finished")
    }

    /// What has come of a call so far, as JSON: parts of the result and the result, or the URI of its error.
    pub fn results(self, world: &mut World, call: RequestId) -> Vec<String> {
        let of = |event: &Event| match event {
            Event::Result { request, details, payload } if *request == call => {
                let payload = payload.transcode(Encoding::Json).unwrap();
                let text = String::from_utf8(payload.raw().to_vec()).unwrap();
                Some(if details.progress { format!("{text}...") } else { text })
            }
            Event::Failed { request, failure } if *request == call => Some(reason(failure)),
            _ => None,
        };
        world.session(self.0).events.iter().filter_map(of).collect()
    }

    /// How many invocations wait for this client's answer.
    pub fn invoked(self, world: &mut World) -> usize {
        world.session(self.0).invocations.len()
    }

    /// The payloads of all events, the oldest first, as JSON.
    pub fn received(self, world: &mut World) -> Vec<String> {
        let json = |payload: &Payload| {
            let payload = payload.transcode(Encoding::Json).unwrap();
            String::from_utf8(payload.raw().to_vec()).unwrap()
        };
        let events = world.session(self.0).events.iter();
        events
            .filter_map(|event| match event {
                Event::Event(event) => Some(json(&event.payload)),
                _ => None,
            })
            .collect()
    }

    /// The subscription that a request has led to.
    ///
    /// # Panics
    ///
    /// When it has not.
    pub fn subscription(self, world: &mut World, of: RequestId) -> SubscriptionId {
        let found = world.session(self.0).events.iter().find_map(|event| match event {
            Event::Subscribed { request, subscription } if *request == of => Some(*subscription),
            _ => None,
        });
        found.unwrap()
    }

    /// The registration that a request has led to.
    ///
    /// # Panics
    ///
    /// When it has not.
    pub fn registration(self, world: &mut World, of: RequestId) -> RegistrationId {
        let found = world.session(self.0).events.iter().find_map(|event| match event {
            Event::Registered { request, registration } if *request == of => Some(*registration),
            _ => None,
        });
        found.unwrap()
    }

    /// The URI of the error that a request ended in.
    ///
    /// # Panics
    ///
    /// When it did not.
    pub fn failure(self, world: &mut World, of: RequestId) -> String {
        let found = world.session(self.0).events.iter().find_map(|event| match event {
            Event::Failed { request, failure } if *request == of => Some(reason(failure)),
            _ => None,
        });
        found.unwrap()
    }

    /// Why the session ended, if it has.
    pub fn closed(self, world: &mut World) -> Option<Closed> {
        world.session(self.0).session.closed().cloned()
    }

    fn encoding(self, world: &mut World) -> Encoding {
        world.session(self.0).session.encoding()
    }
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Remote(error) => error.error.as_str().to_owned(),
        other => other.to_string(),
    }
}
