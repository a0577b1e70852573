//! What any router must do that can be reached by a URL: those cases of the suite that need nothing else.
//!
//! The suite runs them at the routers of the adapters, `wamp conform` at a router of anybody's. A case that needs a
//! feature says so, and is skipped where the router does not announce it.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
    time::Duration,
};

use futures_util::FutureExt as _;
use wamp_driver::{
    WelcomeDetails,
    proto::message::{Feature, Role},
};

use super::{Body, Case, Stage, cases};

/// What a case may take, and its clients to end after it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A part of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// What every router can do.
    Basic,
    /// What it says that it can do.
    Advanced,
}

/// A case for any router.
#[derive(Clone, Copy, Debug)]
pub struct RemoteCase {
    /// What it is about.
    pub group: &'static str,
    /// What must be so.
    pub name: &'static str,
    /// Where the specification has it.
    pub profile: Profile,
    /// What the router must announce.
    pub needs: &'static [(Role, Feature)],
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The router does what it should.
    Passed,
    /// It does not, or not in time: where the case stands and what it found.
    Failed(String),
    /// The router does not announce these features.
    Skipped(Vec<&'static str>),
}

macro_rules! remote {
    ($($profile:ident $group:ident { $($name:ident $([$($role:ident $feature:ident),*])?;)* })*) => {
        &[$($(RemoteCase {
            group: stringify!($group),
            name: stringify!($name),
            profile: Profile::$profile,
            needs: &[$($((Role::$role, Feature::$feature)),*)?],
        },)*)*]
    };
}

/// All of them.
pub const CASES: &[RemoteCase] = remote! {
    Basic calls {
        typed_values;
        positional_and_keyword_arguments_both_ways;
        errors_are_told_apart_by_their_uri;
        five_hundred_calls_in_flight;
        a_callee_that_leaves_fails_its_calls;
        a_slow_handler_blocks_nothing;
        handlers_call_too;
    }
    Basic events {
        events_reach_their_subscribers_in_order;
        streams_of_one_topic_share_one_subscription;
        subscribing_while_an_unsubscribe_is_on_its_way;
        acknowledged_publications_of_many_tasks;
    }
    Basic registrations {
        a_name_is_taken_once;
        a_call_under_way_is_answered_after_the_registration_has_ended;
    }
    Basic payloads {
        around_every_boundary;
        large_and_small_side_by_side;
    }
    Basic closing {
        closing_twice_is_closing_once;
        a_handle_of_an_ended_session_says_so;
        closing_fails_all_that_is_under_way;
        a_call_under_way_keeps_its_session;
        a_join_that_is_refused_says_why;
    }
    Advanced calls {
        a_call_that_times_out_is_canceled [Dealer CallCanceling];
        dropping_a_call_cancels_it [Dealer CallCanceling];
    }
    Advanced events {
        a_publisher_hears_itself_only_when_it_wants_to [Broker PublisherExclusion];
        prefixes_and_wildcards [Broker PatternBasedSubscription];
    }
    Advanced registrations {
        prefixes_and_wildcards [Dealer PatternBasedRegistration];
    }
    Advanced progress {
        results_in_parts [Dealer ProgressiveCallResults];
        results_of_many_calls [Dealer ProgressiveCallResults];
        arguments_in_parts [Dealer ProgressiveCallResults, Dealer ProgressiveCallInvocations];
        an_answer_before_the_last_part [Dealer ProgressiveCallResults, Dealer ProgressiveCallInvocations];
        a_stream_that_is_dropped_cancels_its_call [Dealer ProgressiveCallResults, Dealer CallCanceling];
    }
    Advanced sharing {
        several_callees [Dealer SharedRegistration];
        modes_of_canceling [Dealer CallCanceling];
        audiences [Broker SubscriberBlackwhiteListing];
        who_calls_and_who_publishes [Dealer CallerIdentification, Broker PublisherIdentification];
        retained_events [Broker EventRetention];
        meta [
            Dealer SessionMetaApi, Dealer RegistrationMetaApi, Dealer TestamentMetaApi, Broker SubscriptionMetaApi
        ];
    }
    Advanced secrets {
        calls_and_their_answers [Dealer PayloadPassthruMode];
        events [Broker PayloadPassthruMode];
    }
};

impl RemoteCase {
    /// Its group and its name, such as `calls::typed_values`.
    pub fn path(&self) -> String {
        format!("{}::{}", self.group, self.name)
    }

    /// What it needs and the router did not announce in WELCOME.
    pub fn missing(&self, welcome: &WelcomeDetails) -> Vec<&'static str> {
        let missing = self.needs.iter().filter(|(role, feature)| !welcome.roles.supports(*role, *feature));
        missing.map(|(_, feature)| feature.key()).collect()
    }

    /// Runs it at the router of the stage, and waits until that has forgotten all about it.
    ///
    /// # Panics
    ///
    /// When a case of this name is not in the suite, which a test sees to.
    pub async fn run(&self, stage: Stage, welcome: &WelcomeDetails) -> Outcome {
        let missing = self.missing(welcome);
        if !missing.is_empty() {
            return Outcome::Skipped(missing);
        }
        let Case { body: Body::Everywhere(body) | Body::Sockets(body), .. } =
            cases::find(self.group, self.name)
        else {
            panic!("{} starts routers of its own", self.path());
        };
        remember_panics();
        let (kit, ends) = ((*stage).clone(), stage.ends());
        let ended = AssertUnwindSafe(body(stage)).catch_unwind().map(|ended| ended.map_err(|_| last_panic()));
        let ended = kit.timeout(PATIENCE, ended).await;
        let forgotten = kit.timeout(PATIENCE, ends).await;
        match (ended, forgotten) {
            (Some(Ok(())), Some(())) => Outcome::Passed,
            (Some(Ok(())), None) => Outcome::Failed("a client of the case does not end".to_owned()),
            (Some(Err(why)), _) => Outcome::Failed(why),
            (None, _) => Outcome::Failed(format!("it hangs, after {} s", PATIENCE.as_secs())),
        }
    }
}

thread_local! {
    /// Where this thread has panicked last, and why.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics noted besides what happens with them anyway.
fn remember_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANIC.set(info.to_string());
            before(info);
        }));
    });
}

fn last_panic() -> String {
    PANIC.take()
}
