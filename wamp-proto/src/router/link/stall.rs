//! Connections that take nothing from their queues (fault 68).

use core::time::Duration;

use super::{Links, Peer, State, Timeout};
use crate::{error::Closed, time::Instant};

/// Whether a connection takes what is queued for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// When to have the next look.
    pub(super) next: Instant,
    /// When the last one was.
    looked: Instant,
    /// How long nothing has been taken, as far as was seen.
    stalled: Duration,
    /// How many frames had been taken then.
    taken: u64,
}

/// Looks at a queue in one `stall_timeout`: a stalled connection is closed at most one interval too late.
const LOOKS: u32 = 20;

/// The time between two of them.
fn pause(stall_timeout: Duration) -> Duration {
    stall_timeout.checked_div(LOOKS).unwrap_or(stall_timeout)
}

impl Links {
    /// Watches over a queue that has something in it: one timer at most, however many messages pass.
    pub(super) fn watch(&mut self, now: Instant, peer: Peer) {
        let id = self.id(peer);
        let Some(link) = self.links.get_mut(peer) else { return };
        let taken = link.queue.taken();
        match &mut link.watch {
            // All before it was taken, so that the time of this message counts alone.
            Some(watch) if link.queue.len() == 1 => {
                (watch.looked, watch.stalled, watch.taken) = (now, Duration::ZERO, taken);
            }
            Some(_) => {}
            None => {
                let next = now + pause(self.config.stall_timeout);
                link.watch = Some(Watch { next, looked: now, stalled: Duration::ZERO, taken });
                self.timers.set(next, id, Timeout::Stall);
            }
        }
    }

    /// A connection that takes nothing for too long must go (fault 68).
    pub(in crate::router) fn check_stall(&mut self, now: Instant, peer: Peer) {
        let (id, timeout) = (self.id(peer), self.config.stall_timeout);
        let Some(link) = self.links.get_mut(peer) else { return };
        let Some(mut watch) = link.watch.take().filter(|_| !link.queue.is_empty()) else { return };
        if link.queue.taken() == watch.taken {
            // A look that comes late says that the router itself was not there, for as long as it is late: its process was
            // stopped, or its machine was busy. That is nobody else's fault.
            let seen = (now - watch.looked).min(pause(timeout).saturating_mul(2));
            watch.stalled = watch.stalled.saturating_add(seen);
        } else {
            (watch.stalled, watch.taken) = (Duration::ZERO, link.queue.taken());
        }
        watch.looked = now;
        if watch.stalled < timeout {
            watch.next = now + pause(timeout).min(timeout.saturating_sub(watch.stalled));
            link.watch = Some(watch);
            self.timers.set(watch.next, id, Timeout::Stall);
        } else if link.state == State::Closed {
            // Not even the last message is taken: there is nothing left but to drop the transport.
            self.queued_bytes = self.queued_bytes.saturating_sub(link.queue.bytes());
            link.queue.clear();
            self.notify(peer);
        } else {
            self.doom(peer, Closed::Overrun);
        }
    }
}
