//! The list of cases, from which tests are made and in which they are found.

use wamp_driver::BoxFuture;

use super::{Kit, Stage};

/// One thing that every adapter must do.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is about.
    pub group: &'static str,
    /// What must be so.
    pub name: &'static str,
    /// The test itself.
    pub body: Body,
}

/// What a case needs.
#[derive(Clone, Copy)]
pub enum Body {
    /// A router over every transport: a URL to connect to is enough.
    Everywhere(fn(Stage) -> BoxFuture<()>),
    /// The same, but over sockets only.
    Sockets(fn(Stage) -> BoxFuture<()>),
    /// Routers with settings of their own.
    Routers(fn(Kit) -> BoxFuture<()>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Everywhere(_) => "Everywhere",
            Self::Sockets(_) => "Sockets",
            Self::Routers(_) => "Routers",
        })
    }
}

/// Hands the list of all cases to a macro, behind what else is given: `[..] group { Kind case; .. } ..`.
#[macro_export]
macro_rules! conformance_cases {
    ($make:ident $($context:tt)*) => {
        $make! {
            [$($context)*]
            calls {
                Everywhere typed_values;
                Everywhere positional_and_keyword_arguments_both_ways;
                Everywhere errors_are_told_apart_by_their_uri;
                Everywhere wrong_arguments_are_the_callers_fault;
                Everywhere what_cannot_be_sent_fails_at_once_and_alone;
                Everywhere five_hundred_calls_in_flight;
                Everywhere a_call_that_times_out_is_canceled;
                Everywhere a_late_result_is_dropped;
                Everywhere dropping_a_call_cancels_it;
                Everywhere a_callee_that_leaves_fails_its_calls;
                Everywhere a_slow_handler_blocks_nothing;
                Everywhere a_procedure_that_blocks_blocks_nothing;
                Everywhere a_panic_is_an_error_to_the_caller_only;
                Everywhere handlers_call_too;
                Routers too_large_an_answer_becomes_an_error;
            }
            events {
                Everywhere events_reach_their_subscribers_in_order;
                Everywhere a_publisher_hears_itself_only_when_it_wants_to;
                Everywhere prefixes_and_wildcards;
                Everywhere streams_of_one_topic_share_one_subscription;
                Everywhere subscribing_while_an_unsubscribe_is_on_its_way;
                Everywhere a_dropped_wish_leaves_nothing_behind;
                Everywhere a_full_stream_counts_what_it_missed;
                Everywhere a_handler_that_panics_handles_the_next_event;
                Everywhere several_handlers_on_a_subscription;
                Everywhere a_slow_handler_delays_its_own_events_only;
                Everywhere streams_end_with_the_session_but_give_what_they_have;
                Everywhere acknowledged_publications_of_many_tasks;
            }
            registrations {
                Everywhere prefixes_and_wildcards;
                Everywhere a_name_is_taken_once;
                Everywhere a_call_under_way_is_answered_after_the_registration_has_ended;
                Everywhere a_handler_is_dropped_with_its_registration;
            }
            progress {
                Everywhere results_in_parts;
                Everywhere results_of_many_calls;
                Everywhere arguments_in_parts;
                Everywhere an_answer_before_the_last_part;
                Everywhere a_stream_that_is_dropped_cancels_its_call;
                Everywhere arguments_that_end_too_early;
                Everywhere time_limits;
            }
            extractors {
                Everywhere arguments_of_every_kind;
                Everywhere mistakes_are_told;
                Everywhere who_calls_and_how;
                Everywhere state_errors_and_the_client;
                Everywhere typed_progress;
                Everywhere arguments_of_events;
            }
            services {
                Everywhere methods_of_every_form;
                Everywhere errors_typed_at_both_ends;
                Everywhere one_trait_for_both_ends;
                Everywhere all_of_a_service_or_nothing;
                Everywhere a_service_ends_when_it_is_stopped;
                Everywhere envelopes;
            }
            runners {
                Routers a_runner_drains;
                Routers a_runner_waits_no_longer_than_it_may;
                Routers a_runner_comes_back;
                Routers a_runner_that_is_started_again;
                Routers a_runner_that_cannot_serve;
            }
            sharing {
                Everywhere several_callees;
                Everywhere a_callee_with_a_limit;
                Everywhere modes_of_canceling;
                Everywhere audiences;
                Everywhere who_calls_and_who_publishes;
                Everywhere retained_events;
                Everywhere meta;
                Routers history;
            }
            secrets {
                Everywhere calls_and_their_answers;
                Everywhere without_a_cipher_payloads_are_raw;
                Everywhere events;
                Everywhere parts;
                Everywhere other_keys_and_plain_payloads;
            }
            batches {
                Routers nothing_else_changes;
                Routers the_message_limit;
                Routers a_router_answers_each_peer_in_its_own_way;
                Routers malformed_batches;
            }
            authorization {
                Routers what_a_role_may_do;
                Routers decisions_keep_the_order;
                Routers an_authorizer_that_fails_denies;
                Routers a_procedure_decides;
                Routers permissions_change_while_the_router_runs;
            }
            closing {
                Everywhere closing_twice_is_closing_once;
                Everywhere a_handle_of_an_ended_session_says_so;
                Everywhere closing_fails_all_that_is_under_way;
                Everywhere the_last_handle_closes_the_session;
                Everywhere a_call_under_way_keeps_its_session;
                Everywhere a_router_that_shuts_down_says_goodbye;
                Everywhere a_join_that_is_refused_says_why;
                Sockets a_dropped_connect_leaves_nothing_behind;
                Routers nobody_there;
                Sockets serializers_are_negotiated;
                Everywhere nobody_is_woken_under_the_lock;
            }
            authentication {
                Routers every_method_and_its_right_secret;
                Routers wrong_secrets_and_unknown_users;
                Routers secrets_from_everywhere;
                Routers somebody_else_signs;
                Routers cookies;
                Routers routers_that_are_not_to_be_trusted;
                Routers an_authenticator_decides;
                Routers a_procedure_decides;
            }
            payloads {
                Everywhere around_every_boundary;
                Everywhere large_and_small_side_by_side;
                Routers the_message_limit;
                Routers a_result_that_the_caller_does_not_take;
            }
            stalls {
                Routers a_stalled_subscriber_is_closed_when_its_queue_is_full;
                Routers a_stalled_subscriber_is_closed_when_its_time_is_over;
                Routers shutdown_does_not_wait_for_those_who_do_not_read;
                Routers a_router_that_does_not_read_stops_neither_clock_nor_close;
                Routers a_flood_of_events_ends;
            }
            rules {
                Routers websocket_handshakes_that_are_refused;
                Routers garbage_is_closed_and_nobody_else_minds;
                Routers websocket_messages_that_break_the_rules;
                Routers a_message_that_breaks_the_protocol_is_answered_by_abort;
                Routers a_websocket_ping_is_answered;
                Routers rawsocket_handshakes_and_frames_that_break_the_rules;
                Routers rawsocket_pings_and_single_bytes;
                Routers half_a_frame_and_silence;
                Routers handshakes_have_their_time;
                Routers hello_must_come_in_time;
                Routers a_client_that_meets_another_server_says_so;
                Routers peers_that_leave_in_the_middle_of_a_sentence;
            }
            reconnect {
                Everywhere a_client_that_is_thrown_out_comes_back;
                Everywhere registrations_keep_their_options;
                Everywhere what_changes_while_away_is_so_afterwards;
                Everywhere retained_events_come_once;
                Everywhere requests_while_away;
                Everywhere a_procedure_that_is_taken_is_asked_for_again;
                Everywhere a_procedure_that_stays_taken_is_given_up;
                Everywhere closing_while_away_ends_at_once;
                Everywhere the_last_handle_ends_a_client_that_is_away;
                Everywhere a_refused_join_is_final;
                Everywhere many_intents;
            }
            restarts {
                Routers a_router_that_is_started_again;
                Routers a_router_that_is_not_there_yet;
                Routers a_lazy_client;
                Routers waiting_for_a_connection;
                Routers giving_up;
                Routers a_call_under_way_is_not_made_again;
                Routers connections_that_are_cut_again_and_again;
                Routers a_black_hole_while_connecting;
            }
            faults {
                Routers delay;
                Routers single_bytes;
                Routers slow_read;
                Routers cut_at_once;
                Routers cut_within_a_header;
                Routers cut_within_a_frame;
                Routers cut_between_later_frames;
                Routers truncated;
                Routers reset;
                Routers black_hole;
                Routers while_connecting;
                Routers silence;
            }
            tls {
                Routers calls_and_events;
                Routers certificates_that_are_not_to_be_trusted;
                Routers plaintext_and_tls;
                Routers handshakes_that_are_none;
                Routers client_certificates;
                Routers certificates_are_read_again;
                Routers a_connection_that_is_cut_off;
            }
            taps {
                Everywhere every_message_both_ways;
                Everywhere taps_that_panic_and_taps_that_call;
                Everywhere changes_are_told_in_their_order;
                Everywhere what_a_client_has;
                Routers secrets_are_hidden;
                Routers a_router_shows_all_connections;
            }
            addresses {
                Routers several_urls;
                Routers a_version_of_ip;
                Routers waiting_until_it_has_joined;
            }
            http {
                Routers figures_and_states;
                Routers requests_that_are_none;
            }
            listeners {
                Routers each_has_its_own_rules;
                Routers places_are_counted;
            }
        }
    };
}

macro_rules! list {
    ([] $($group:ident { $($kind:ident $case:ident;)* })*) => {
        &[$($(Case {
            group: stringify!($group),
            name: stringify!($case),
            body: Body::$kind(|on| Box::pin(super::$group::$case(on))),
        },)*)*]
    };
}

/// All cases.
pub fn cases() -> &'static [Case] {
    const CASES: &[Case] = conformance_cases!(list);
    CASES
}

pub(super) fn find(group: &str, name: &str) -> Case {
    let found = cases().iter().find(|case| (case.group, case.name) == (group, name));
    *found.unwrap_or_else(|| panic!("there is no case {group}::{name}"))
}
