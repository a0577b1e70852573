//! Every adapter does what it must, over every transport and serializer; and they understand each other.

mod adapters;

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

mod tokio {
    wamp_test::conformance_cases!(tests Tokio);
}

mod smol {
    wamp_test::conformance_cases!(tests Smol);
}

mod async_std {
    wamp_test::conformance_cases!(tests AsyncStd);
}

mod blocking {
    wamp_test::conformance_cases!(tests Threads);
}
