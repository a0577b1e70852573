//! Every adapter does what it must, over every transport and serializer; and they understand each other.

mod adapters;
mod children;
mod insecure;
mod pairs;
mod remote;

/// A test for each case.
macro_rules! tests {
    ([$adapter:ident] $($group:ident { $($kind:ident $case:ident;)* })*) => {
        $(mod $group {
            $(#[test]
            fn $case() {
                wamp_test::conformance::run::<crate::adapters::$adapter>(stringify!($group), stringify!($case));
            })*
        })*
    };
}

/// All tests of an adapter.
macro_rules! adapter {
    ($module:ident, $adapter:ident) => {
        mod $module {
            wamp_test::conformance_cases!(tests $adapter);

            #[test]
            fn certificates_that_do_not_matter() {
                crate::insecure::certificates_do_not_matter::<crate::adapters::$adapter>();
            }

            mod process {
                use crate::{adapters::$adapter, children};

                #[test]
                fn a_router_that_is_killed_is_noticed() {
                    let test = concat!(stringify!($module), "::process::a_router_that_is_killed_is_noticed");
                    children::a_router_that_is_killed_is_noticed::<$adapter>(test);
                }

                #[cfg(unix)]
                #[test]
                fn a_signal_drains() {
                    children::a_signal_drains::<$adapter>(concat!(
                        stringify!($module),
                        "::process::a_signal_drains"
                    ));
                }

                #[cfg(target_os = "linux")]
                #[test]
                fn idle_sessions_use_no_processor_time() {
                    let test = concat!(stringify!($module), "::process::idle_sessions_use_no_processor_time");
                    children::idle_sessions_use_no_processor_time::<$adapter>(test);
                }
            }
        }
    };
}

adapter!(tokio, Tokio);
adapter!(smol, Smol);
adapter!(async_std, AsyncStd);
adapter!(blocking, Threads);
