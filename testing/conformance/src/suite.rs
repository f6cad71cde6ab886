//! The macro that makes a test of each case.

/// Makes a test of every case of the suite, each with its own name.
///
/// Takes an expression that makes a [`Harness`](crate::Harness) on an empty store; it is evaluated for each test, may
/// `.await`, and may `.unwrap()`. The tests run inside a tokio runtime with several threads; no attribute and no
/// dependency on tokio is needed. A case that is not applicable says so on standard error, and passes.
///
/// ```
/// use cloakroom_conformance::{ManualHarness, Reference, suite};
///
/// suite!(ManualHarness::new(|clock| Reference::new(clock)));
/// ```
///
/// To test several stores in one file, give each a module of its own.
#[macro_export]
macro_rules! suite {
    ($harness:expr $(,)?) => {
        $crate::__catalogue!({ $crate::__tests } { $harness });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ({ $harness:expr } $($group:ident { $($case:ident: $sentence:literal,)* })*) => {
        /// One type for all tests, or each would have the runtime and the harness compiled again.
        fn __harness() -> $crate::__Harness {
            ::std::boxed::Box::pin(async { ::std::boxed::Box::new($harness) as _ })
        }

        $($(
            #[doc = $sentence]
            #[test]
            fn $case() {
                $crate::__run_as_test(stringify!($case), __harness());
            }
        )*)*
    };
}
