//! Live taps: one session is shown the messages of another of its realm.
//!
//! A tap shows what an open session sends and is sent, so that nothing of HELLO, CHALLENGE and AUTHENTICATE can be in it.
//! What it shows is never shown again: two sessions may tap each other. A viewer that does not keep up misses messages, and
//! is told how many.

use core::mem;

use bytes::Bytes;
use serde::Serialize;

use super::{
    dealer::Origin,
    link::{Class, Links, Peer},
    permissions::{Compiled, Right},
    realms::RealmId,
    timestamp,
};
use crate::{
    codec::Encoding,
    id::RequestId,
    limits::Limits,
    message::{self, Message, MessageKind, ResultDetails},
    payload::Payload,
    time::Instant,
    uri::{Uri, uris},
};

/// An extension of ours, not a procedure of the specification. Nobody can register it, and no pattern of an application
/// stands for it, since its first component is `wamp`.
pub(super) const PROCEDURE: &str = "wamp.x.session.tap";

/// Somebody looks at the messages of another session.
#[derive(Debug)]
pub(super) struct Tap {
    viewer: Origin,
    target: Peer,
    realm: RealmId,
    payload: bool,
    /// Messages that were left out since the last one that was not, and before.
    dropped: u64,
    missed: u64,
}

impl Tap {
    pub(super) fn new(viewer: Peer, request: RequestId, target: Peer, realm: RealmId, payload: bool) -> Self {
        let viewer = Origin { caller: viewer, request };
        Self { viewer, target, realm, payload, dropped: 0, missed: 0 }
    }
}

/// A message, as it is shown: the argument of a progressive result.
#[derive(Serialize)]
struct Shown<'a> {
    timestamp: &'a str,
    sender: &'static str,
    message: &'a str,
    cut: bool,
    dropped: u64,
}

impl Links {
    /// How many taps there are in a realm.
    pub(super) fn taps_in(&self, realm: RealmId) -> usize {
        self.taps.iter().filter(|tap| tap.realm == realm).count()
    }

    pub(super) fn tap(&mut self, target: Peer, tap: Tap) {
        if let Some(link) = self.get_mut(target) {
            link.tapped = true;
            self.taps.push(tap);
        }
    }

    /// Whether somebody looks at the messages of a session.
    pub(super) fn is_tapped(&self, peer: Peer) -> bool {
        !self.taps.is_empty() && self.get(peer).is_some_and(|link| link.tapped)
    }

    /// Whether a call is a tap.
    pub(super) fn is_tap(&self, caller: Peer, request: RequestId) -> bool {
        self.taps.iter().any(|tap| tap.viewer == Origin { caller, request })
    }

    /// Shows what a session has sent.
    pub(super) fn show_message(&mut self, now: Instant, peer: Peer, message: &Message) {
        self.show(now, peer, "client", message);
    }

    /// Shows what a session is sent.
    pub(super) fn show_frame(&mut self, now: Instant, peer: Peer, frame: &Bytes) {
        let Some(encoding) = self.get(peer).map(|link| link.encoding) else { return };
        // It is our own.
        if let Ok(message) = Message::decode(encoding, frame, &Limits::loosest()) {
            self.show(now, peer, "router", &message);
        }
    }

    fn show(&mut self, now: Instant, peer: Peer, sender: &'static str, message: &Message) {
        let max = self.config().max_tap_text;
        let timestamp = timestamp::format(self.config().unix_micros(now));
        let mut taps = mem::take(&mut self.taps);
        for tap in taps.iter_mut().filter(|tap| tap.target == peer) {
            let (text, cut) = text(message, tap.payload, max);
            let dropped = tap.dropped;
            let shown = Shown { timestamp: &timestamp, sender, message: &text, cut, dropped };
            if self.send_shown(now, tap.viewer, &shown) {
                tap.dropped = 0;
            } else {
                tap.dropped = tap.dropped.saturating_add(1);
                tap.missed = tap.missed.saturating_add(1);
            }
        }
        self.taps = taps;
    }

    fn send_shown(&mut self, now: Instant, viewer: Origin, shown: &Shown<'_>) -> bool {
        let Some(encoding) = self.get(viewer.caller).map(|link| link.encoding) else { return false };
        let Ok(payload) = Payload::from_args(encoding, &(shown,)) else { return false };
        let details = ResultDetails { progress: true, ..ResultDetails::default() };
        let result = message::Result { request: viewer.request, details, payload };
        result.encode(encoding).is_ok_and(|frame| self.send_spare(now, viewer.caller, frame))
    }

    /// A session has left: nobody looks at it any more, and it looks at nobody.
    pub(super) fn end_taps(&mut self, now: Instant, peer: Peer) {
        for tap in self.take_taps(|tap| tap.target == peer || tap.viewer.caller == peer) {
            let Origin { caller, request } = tap.viewer;
            let Some(encoding) = self.get(caller).filter(|_| caller != peer).map(|link| link.encoding) else {
                continue;
            };
            let Ok(payload) = Payload::from_args(encoding, &(tap.missed,)) else { continue };
            let result = message::Result { request, details: ResultDetails::default(), payload };
            self.send(now, caller, Class::Reply, result);
        }
    }

    /// The viewer has seen enough.
    pub(super) fn cancel_tap(&mut self, now: Instant, viewer: Origin) {
        for _ in self.take_taps(|tap| tap.viewer == viewer) {
            self.refuse(now, viewer.caller, MessageKind::Call, viewer.request, uris::error::CANCELED, "");
        }
    }

    /// Ends the taps of a session that may not have any more.
    pub(super) fn reconsider_taps(&mut self, now: Instant, viewer: Peer) {
        let denied = |rules: &Compiled| match rules {
            Compiled::Rules(rules) => {
                rules.decide(Right::Call, &Uri::unchecked(PROCEDURE)).allowed(Right::Call).is_none()
            }
            Compiled::Dynamic => false,
        };
        if !self.get(viewer).and_then(|link| link.guard.as_deref()).is_some_and(denied) {
            return;
        }
        for tap in self.take_taps(|tap| tap.viewer.caller == viewer) {
            let (request, error) = (tap.viewer.request, uris::error::NOT_AUTHORIZED);
            self.refuse(now, viewer, MessageKind::Call, request, error, "the permissions have changed");
        }
    }

    fn take_taps(&mut self, which: impl Fn(&Tap) -> bool) -> Vec<Tap> {
        let (gone, taps) = mem::take(&mut self.taps).into_iter().partition::<Vec<_>, _>(which);
        self.taps = taps;
        for tap in &gone {
            let tapped = self.taps.iter().any(|other| other.target == tap.target);
            if let Some(link) = self.get_mut(tap.target) {
                link.tapped = tapped;
            }
        }
        gone
    }
}

/// The message as JSON, and whether a part of it was cut away: the payload, or what does not fit.
fn text(message: &Message, payload: bool, max: usize) -> (String, bool) {
    let json = |message: &Message| {
        let frame = message.encode(Encoding::Json).unwrap_or_default();
        String::from_utf8_lossy(&frame).into_owned()
    };
    if payload && message.payload().is_none_or(|payload| payload.size() <= max) {
        let text = json(message);
        if text.len() <= max {
            return (text, false);
        }
    }
    let cut = message.payload().is_some_and(|payload| payload.elements() > 0);
    let mut text = json(&message.clone().without_payload());
    let fits = text.len() <= max;
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    (text, cut || !fits)
}
