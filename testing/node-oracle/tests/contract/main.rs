//! The contract of stores, sentence by sentence, over sessions of Express in the stores of Node's packages, and of node-session in files.
//!
//! What their layouts cannot keep is named in [`LEFT_OUT`], with the reason; docs/node.md names it, too.
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "a test says what does not apply")]

mod in_bodies;
mod places;

use cloakroom_conformance::{Verdict, cases};
use places::Place;

const ENDED: &str =
    "an id whose session has ended is never used again, so that what Node writes back is not a session";
const SECONDS: &str = "an expiry is kept in seconds or milliseconds";
const UNREAD: &str = "a sweep reads no bodies, and sessions of these packages end because they are not used";
const TEXT: &str = "a user is a text in a body";

/// The sentences that sessions of Node's packages do not keep.
pub(crate) const LEFT_OUT: &[Sentence] = &[
    ("create_after_a_delete_is_a_new_record", ENDED),
    ("an_update_from_before_a_delete_never_meets_the_new_record", ENDED),
    ("a_version_is_never_used_twice_not_even_after_a_delete", ENDED),
    ("a_version_is_never_used_twice_not_even_by_another_handle", ENDED),
    ("a_key_has_one_holder_at_a_time", ENDED),
    ("a_create_beside_touches_is_whole", ENDED),
    ("a_dropped_delete_is_done_or_not_begun", ENDED),
    ("a_cleared_store_takes_records_again", ENDED),
    ("a_version_is_never_used_twice_not_even_after_a_clear", ENDED),
    ("scan_sees_what_lives_throughout_while_others_write", ENDED),
    ("sweep_says_how_many_were_sliding", UNREAD),
    ("touch_moves_the_expiry_later", SECONDS),
    ("of_any_number_of_touches_at_once_the_latest_stays", SECONDS),
    ("an_expiry_comes_back_to_the_microsecond", SECONDS),
    ("the_farthest_expiries_come_back", SECONDS),
    ("an_owner_comes_back_as_it_went_in", TEXT),
];

/// The same, for items that are smaller than a payload of the suite.
pub(crate) const LEFT_OUT_OF_ITEMS: &[Sentence] = &and((
    "the_largest_payload_is_kept_whole",
    "an item of memcached has less than 1 MiB, with all that is around a value",
));

/// The same, for a server that tells how long a body has to live: it is less at each look.
pub(crate) const LEFT_OUT_OF_REDIS: &[Sentence] = &and((
    "load_with_a_touch_that_is_not_due_leaves_the_expiry",
    "a touch becomes due while the suite looks, as the server's clock goes on",
));

/// The name of a sentence, and the reason why it is left out.
type Sentence = (&'static str, &'static str);

const fn and(one: Sentence) -> [Sentence; LEFT_OUT.len() + 1] {
    let mut all = [one; LEFT_OUT.len() + 1];
    let mut at = 0;
    while at < LEFT_OUT.len() {
        all[at] = LEFT_OUT[at];
        at += 1;
    }
    all
}

/// How many sentences apply to every layout, and how many more where the suite can let time pass.
const APPLY: usize = 65;
const APPLY_IN_TIME: usize = 13;
/// The same where sessions can be listed, where the suite has them to itself, and where there is a sweep.
const APPLY_TO_SCANS: usize = 10;
const APPLY_ALONE: usize = 6;
const APPLY_TO_SWEEPS: usize = 9;
const ALL: usize = APPLY + APPLY_IN_TIME + APPLY_TO_SCANS + APPLY_ALONE + APPLY_TO_SWEEPS;

async fn keeps_the_contract(place: Place, due: usize) {
    let (mut kept, mut broken) = (0, Vec::new());
    for case in cases() {
        place.next_sentence(case.name()).await;
        match case.run(&place).await {
            Ok(Verdict::Kept) => kept += 1,
            Ok(Verdict::NotApplicable(reason)) => eprintln!("{}: not applicable, {reason}", case.name()),
            Err(failure) => broken.push(format!("{}: {failure}", case.name())),
        }
    }
    place.close().await;
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(kept, due, "the sentences that apply");
}

macro_rules! sessions_of_express_keep_the_contract {
    ($($name:ident: $due:expr;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                keeps_the_contract(places::$name().await, $due).await;
            }
        )*
    };
}

sessions_of_express_keep_the_contract! {
    memory: ALL;
    session_file_store: ALL;
    node_session_files: ALL;
    sqlite: ALL;
    postgres: ALL;
    mariadb: ALL;
    mongodb: ALL - APPLY_TO_SWEEPS;
    redis: APPLY - 1 + APPLY_TO_SCANS;
    memcached: APPLY - 1;
}
