//! Clients of each adapter at routers of each other one.

use wamp_test::conformance::{Adapter, Transport, run_pair};

use crate::adapters::{AsyncStd, Smol, Threads, Tokio};

/// What a pair has to show: every kind of message both ways, each way to end, payloads of many sizes, bad networks.
const CASES: [(&str, &str); 14] = [
    ("calls", "typed_values"),
    ("calls", "errors_are_told_apart_by_their_uri"),
    ("calls", "five_hundred_calls_in_flight"),
    ("calls", "a_call_that_times_out_is_canceled"),
    ("calls", "dropping_a_call_cancels_it"),
    ("calls", "a_panic_is_an_error_to_the_caller_only"),
    ("events", "events_reach_their_subscribers_in_order"),
    ("events", "several_handlers_on_a_subscription"),
    ("events", "streams_of_one_topic_share_one_subscription"),
    ("registrations", "prefixes_and_wildcards"),
    ("closing", "closing_twice_is_closing_once"),
    ("closing", "a_router_that_shuts_down_says_goodbye"),
    ("closing", "closing_fails_all_that_is_under_way"),
    ("payloads", "large_and_small_side_by_side"),
];

fn pair<C: Adapter, R: Adapter>() {
    for (group, name) in CASES {
        run_pair::<C, R>(group, name, &Transport::TCP);
    }
}

macro_rules! pairs {
    ($($name:ident: $client:ident at $router:ident;)*) => {$(
        #[test]
        fn $name() {
            pair::<$client, $router>();
        }
    )*};
}

pairs! {
    tokio_at_smol: Tokio at Smol;
    tokio_at_async_std: Tokio at AsyncStd;
    tokio_at_blocking: Tokio at Threads;
    smol_at_tokio: Smol at Tokio;
    smol_at_async_std: Smol at AsyncStd;
    smol_at_blocking: Smol at Threads;
    async_std_at_tokio: AsyncStd at Tokio;
    async_std_at_smol: AsyncStd at Smol;
    async_std_at_blocking: AsyncStd at Threads;
    blocking_at_tokio: Threads at Tokio;
    blocking_at_smol: Threads at Smol;
    blocking_at_async_std: Threads at AsyncStd;
}
