//! A router's figures, in the text format of Prometheus.

use std::fmt::{Display, Write as _};

use super::{Refused, serve::Server};
use crate::router::Figures;

/// All figures of a router, as they are now.
pub(super) fn text<N>(server: &Server<N>) -> String {
    let mut text = Exposition::default();
    text.figures(&server.handle.figures());
    text.refused(server.refusals.counts());
    text.0
}

/// The text, metric by metric.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn figures(&mut self, figures: &Figures) {
        let (counts, totals) = (&figures.counts, &figures.counts.totals);
        self.gauge("wamp_connections", "Open connections, with a session or without.", counts.connections);
        self.gauge("wamp_calls", "Calls that wait for their result.", counts.calls);
        self.gauge("wamp_queue_bytes", "Bytes in all outbound queues.", counts.queued_bytes);
        self.gauge("wamp_longest_queue_bytes", "Bytes in the longest outbound queue.", counts.longest_queue);
        let of_realm = |value: fn(&wamp_proto::router::RealmCounts) -> usize| {
            figures.realms.iter().map(move |(realm, counts)| (realm.as_str(), value(counts)))
        };
        self.by("wamp_sessions", "Open sessions.", "gauge", "realm", of_realm(|realm| realm.sessions));
        self.by(
            "wamp_subscriptions",
            "Subscriptions.",
            "gauge",
            "realm",
            of_realm(|realm| realm.subscriptions),
        );
        self.by(
            "wamp_registrations",
            "Registrations.",
            "gauge",
            "realm",
            of_realm(|realm| realm.registrations),
        );
        self.by(
            "wamp_retained_events",
            "Retained events.",
            "gauge",
            "realm",
            of_realm(|realm| realm.retained),
        );
        self.counter("wamp_sessions_total", "Sessions that were opened.", totals.joined);
        self.counter("wamp_messages_received_total", "Messages that came.", totals.received);
        self.counter("wamp_messages_sent_total", "Messages that were queued to be sent.", totals.sent);
        self.counter("wamp_received_bytes_total", "Bytes of the messages that came.", figures.received_bytes);
        self.counter("wamp_sent_bytes_total", "Bytes of the messages that were sent.", figures.sent_bytes);
        let dropped = "Events dropped because a queue was full, or the event too large for its receiver.";
        self.counter("wamp_dropped_events_total", dropped, counts.dropped_events);
        let denied = "Requests that were not allowed, or about which nobody could decide.";
        self.counter("wamp_denials_total", denied, totals.denied);
        self.counter(
            "wamp_rejected_logins_total",
            "Clients that were not let in by their proof.",
            totals.rejected,
        );
        let violations = "Connections closed because the peer broke the protocol.";
        self.counter("wamp_violations_total", violations, totals.violations);
        self.counter("wamp_limits_reached_total", "Times that a limit was reached.", totals.limited);
        let throttled = "Times that a connection was not read from for a while, because it sent too much.";
        self.counter("wamp_throttled_total", throttled, totals.throttled);
    }

    fn refused(&mut self, refused: Refused) {
        let reasons = [
            ("full", refused.full),
            ("address", refused.address),
            ("tls", refused.tls),
            ("handshake", refused.handshake),
            ("timeout", refused.timeout),
        ];
        let help = "Connections turned away before they became sessions.";
        self.by("wamp_refused_connections_total", help, "counter", "reason", reasons);
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.head(name, help, "gauge");
        self.line(format_args!("{name} {value}"));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(format_args!("{name} {value}"));
    }

    /// One metric with a value for each of something.
    fn by<'a, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, V)>,
    ) {
        self.head(name, help, kind);
        for (of, value) in values {
            self.line(format_args!("{name}{{{label}=\"{}\"}} {value}", escaped(of)));
        }
    }

    /// Our own words, which need no escaping.
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: impl Display) {
        // A string takes everything.
        let _ = writeln!(self.0, "{line}");
    }
}

/// The value of a label between its quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_has_its_head_and_labels_are_escaped() {
        let mut text = Exposition::default();
        text.gauge("a", "How many.", 7);
        text.by("b_total", "Of each.", "counter", "realm", [("r1", 1), ("a\"b\\c\nd", 2)]);
        let expected = "# HELP a How many.\n# TYPE a gauge\na 7\n# HELP b_total Of each.\n# TYPE b_total counter\n\
            b_total{realm=\"r1\"} 1\nb_total{realm=\"a\\\"b\\\\c\\nd\"} 2\n";
        assert_eq!(text.0, expected);
    }
}
