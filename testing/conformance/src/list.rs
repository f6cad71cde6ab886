//! Every case, in the order in which a person would ask. The sentences are the doc comments of the cases.

use crate::case::Case;
use crate::cases;

/// Hands the list of cases to another macro: one list makes both [`cases`](crate::cases) and the tests of
/// [`suite!`](crate::suite), so no case can be in one and not in the other.
#[doc(hidden)]
#[macro_export]
macro_rules! __catalogue {
    ({ $($to:tt)* } $given:tt) => {
        $($to)*! { $given
            deleting {
                delete_twice_is_fine: "Deleting twice is fine.",
            }
        }
    };
}

macro_rules! list {
    ({} $($group:ident { $($case:ident: $sentence:literal,)* })*) => {
        pub(crate) const CASES: &[Case] = &[$($(
            Case {
                group: stringify!($group),
                name: stringify!($case),
                sentence: $sentence,
                steps: |trial| Box::pin(cases::$group::$case(trial)),
            },
        )*)*];
    };
}

__catalogue!({ list } {});
