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
            loading {
                load_finds_what_was_created:
                    "A record is loaded as it was created: payload, expiry, whether it slides, and owner.",
                load_of_an_unknown_key_finds_nothing:
                    "A key that has no record is missing, with or without a touch.",
                load_changes_nothing: "A load without a touch changes nothing.",
                load_with_a_due_touch_moves_the_expiry: "A load with a touch that is due moves the expiry.",
                load_with_a_touch_answers_with_the_new_expiry:
                    "The answer of a load that moved the expiry carries the new one.",
                load_with_a_touch_that_is_not_due_leaves_the_expiry:
                    "A touch is due only if the expiry is earlier than `due_before`.",
                load_with_a_touch_never_moves_the_expiry_earlier:
                    "A touch that rides on a load never moves the expiry earlier.",
                a_touch_rides_only_on_sliding_records: "A touch rides only on a record that is sliding.",
                load_with_a_touch_moves_nothing_but_the_expiry:
                    "A load with a touch leaves the version, the payload and the owner.",
                load_with_a_touch_moves_one_record_only:
                    "A load with a touch of one record leaves the others.",
            }
            creating {
                create_never_overwrites:
                    "Where a live record has the key, it stays as it is, and the answer is `AlreadyExists`.",
                create_after_a_delete_is_a_new_record: "A key whose record was deleted can be created again.",
                a_record_created_past_its_expiry_does_not_exist:
                    "A record that is created past its own expiry does not exist.",
                create_makes_one_record_only: "A create makes one record and leaves the others.",
            }
            updating {
                update_replaces_the_whole_record:
                    "An update replaces the record whole: payload, expiry, whether it slides, and owner.",
                update_never_creates:
                    "An update where no live record is answers `NotFound`, and creates nothing.",
                update_replaces_exactly_the_version_named:
                    "An update of another version than the one that is there changes nothing.",
                conflict_carries_what_is_there:
                    "`Conflict` carries what is there instead: the record and its version.",
                an_update_always_gives_another_version:
                    "An update that changes nothing gives the record another version all the same.",
                update_takes_an_earlier_expiry_as_it_is:
                    "An expiry that is earlier than the present one is taken as it is.",
                an_update_past_its_own_expiry_is_gone_at_once:
                    "A record that is already past its own expiry is gone as soon as it is written.",
                an_update_from_before_a_delete_never_meets_the_new_record:
                    "A record that was deleted and created again is not the one that an older version names.",
                update_changes_one_record_only: "An update changes one record and leaves the others.",
            }
            touching {
                touch_moves_the_expiry_later:
                    "A touch moves the expiry later, and says that there is a record.",
                touch_never_moves_the_expiry_earlier:
                    "A touch never moves the expiry earlier, and still says that there is a record.",
                touch_never_creates: "A touch never creates, and says that there is no record.",
                touch_moves_nothing_but_the_expiry: "A touch never changes payload or owner.",
                touch_leaves_the_version:
                    "A touch leaves the version alone, so that an update of it still succeeds.",
                touch_also_moves_a_record_that_is_not_sliding:
                    "A touch also moves a record that is not sliding.",
                touch_knows_never:
                    "A record that never expires stays so under a touch, and a touch can make a record such a one.",
                touch_moves_one_record_only: "A touch moves one record and leaves the others.",
            }
            deleting {
                delete_removes_the_record: "A delete removes the record.",
                delete_hands_back_what_it_removed: "A delete hands back what it removed, as it was last.",
                delete_of_an_unknown_key_finds_nothing: "Deleting what is not there finds nothing.",
                delete_twice_is_fine: "Deleting twice is fine.",
                delete_is_final_for_an_update: "An update does not make a deleted record exist again.",
                delete_is_final_for_a_touch: "A touch does not make a deleted record exist again.",
                delete_is_final_for_a_load_with_a_touch:
                    "A load with a touch does not make a deleted record exist again.",
                delete_removes_one_record_only: "A delete removes one record and leaves the others.",
            }
            versions {
                a_version_is_never_used_twice:
                    "Every create and every update gives the record a version that the key has never had.",
                a_version_is_never_used_twice_not_even_after_a_delete:
                    "A version is never used twice, not even after a delete.",
                a_version_is_never_used_twice_not_even_after_expiry:
                    "A version is never used twice, not even after the record expired.",
                a_version_is_never_used_twice_not_even_after_a_sweep:
                    "A version is never used twice, not even after a sweep.",
                a_version_is_never_used_twice_not_even_after_a_clear:
                    "A version is never used twice, not even after all records were cleared.",
                a_version_is_never_used_twice_not_even_after_a_revocation:
                    "A version is never used twice, not even after the owner was revoked.",
                a_version_is_never_used_twice_not_even_by_another_handle:
                    "A version is never used twice, not even by another handle.",
            }
            expiry {
                a_record_is_live_until_its_expiry:
                    "A record is live until its expiry, and gone from then on.",
                an_expired_record_does_not_exist_for_load: "An expired record does not exist for a load.",
                an_expired_record_does_not_exist_for_load_with_a_touch:
                    "An expired record does not exist for a load with a touch, which does not bring it back.",
                an_expired_record_does_not_exist_for_create:
                    "An expired record does not exist for a create, which makes a new one.",
                an_expired_record_does_not_exist_for_update:
                    "An expired record does not exist for an update, which does not bring it back.",
                an_expired_record_does_not_exist_for_touch:
                    "An expired record does not exist for a touch, which does not bring it back.",
                an_expired_record_does_not_exist_for_delete:
                    "An expired record does not exist for a delete, which hands nothing back.",
                an_expired_record_does_not_exist_for_scan: "An expired record does not exist for a scan.",
                an_expired_record_does_not_exist_for_count: "An expired record does not exist for a count.",
                an_expired_record_does_not_exist_for_clear:
                    "An expired record does not exist for the number that a clear answers with.",
                an_expired_record_does_not_exist_for_list:
                    "An expired record does not exist for the list of its owner.",
                an_expired_record_does_not_exist_for_revoke:
                    "An expired record does not exist for the number that a revocation answers with.",
                a_record_created_over_an_expired_one_has_nothing_of_it:
                    "A record created over an expired one has nothing of it, not even its owner.",
                a_touched_record_lives_until_its_later_expiry:
                    "A record that was touched lives until its later expiry.",
                a_record_touched_by_a_load_lives_until_its_later_expiry:
                    "A record that was touched by a load lives until its later expiry.",
                an_updated_record_lives_until_its_new_expiry:
                    "A record that was updated lives until its new expiry, be it later or earlier.",
                a_record_that_never_expires_stays:
                    "A record that never expires is still there after other records have expired.",
                a_record_that_never_expired_can_be_given_an_expiry:
                    "A record that never expired can be given an expiry.",
                an_expiry_comes_back_to_the_microsecond: "An expiry comes back to the microsecond.",
                the_farthest_expiries_come_back: "The farthest expiries come back as they went in.",
            }
            keys {
                every_byte_can_be_a_key: "Every byte can be a key.",
                keys_that_look_like_paths_are_kept_apart: "Keys that look like paths are kept apart.",
                keys_that_look_like_queries_are_kept_apart:
                    "Keys that look like queries, protocol lines or property names are kept apart.",
                keys_that_look_like_one_number_are_kept_apart:
                    "Keys that look like the same number are kept apart.",
                keys_that_differ_in_case_only_are_kept_apart: "Keys that differ in case only are kept apart.",
                keys_that_differ_at_their_end_are_kept_apart:
                    "Keys that differ in a NUL, a space or a line end at their end are kept apart.",
                keys_that_are_not_text_are_kept_apart:
                    "Keys that are not text, or the same text in other bytes, are kept apart.",
                a_key_is_never_cut: "A key of any length up to 255 bytes is never cut.",
                a_scan_hands_back_every_key_as_it_went_in: "A scan hands back every key as it went in.",
            }
            payloads {
                an_empty_payload_is_kept: "An empty payload is a payload.",
                every_byte_can_be_in_a_payload: "Every byte can be in a payload.",
                hostile_payloads_come_back_as_they_went_in:
                    "Payloads that look like something else come back as they went in.",
                the_largest_payload_is_kept_whole:
                    "A payload of 1 MiB, or of the largest size that the store keeps, comes back whole.",
                a_payload_that_is_too_large_is_refused:
                    "A payload that is too large is refused, and no record is made of it.",
                a_payload_that_is_too_large_leaves_the_record_that_was_there:
                    "Where a payload is too large, the record that was there stays.",
                a_shorter_payload_replaces_a_longer_one_whole:
                    "A long payload replaced by a short one, or by none, leaves nothing of itself behind.",
            }
            owners {
                list_has_every_record_of_the_owner:
                    "The list has every record of the owner, as it is, and no other.",
                list_has_all_records_however_many:
                    "The list has all records of an owner, however many there are.",
                list_of_an_unknown_owner_is_empty: "The list of an owner without sessions has no record.",
                an_owner_comes_back_as_it_went_in:
                    "An owner comes back as it went in, with its `logged_in_at` to the microsecond.",
                an_update_that_changes_the_owner_moves_the_record:
                    "An update that changes the owner moves the record from one owner to the other.",
                an_update_that_names_an_owner_lists_the_record:
                    "An update that gives an owner to a record that had none lists it.",
                a_tombstone_update_leaves_the_owner_list:
                    "An update to a tombstone, which has no owner, leaves the owner's list.",
                an_update_that_keeps_the_owner_keeps_the_record_listed:
                    "An update that keeps the owner keeps the record in the list, as it is now.",
                a_deleted_record_leaves_the_owner_list:
                    "A deleted record leaves the owner's list, and is not there when the key is created again.",
                a_touched_record_stays_in_the_owner_list:
                    "A record that is touched stays in the owner's list, with its later expiry.",
                hostile_owners_are_kept_apart: "Owners of any bytes are kept apart.",
            }
            listing {
                list_in_pages_of_any_size_has_every_record:
                    "A list read in pages of any size has every record of the owner.",
                a_page_of_a_list_is_about_as_long_as_asked:
                    "A page of a list has about as many records as were asked for.",
                a_list_shows_the_beginning_of_a_payload_and_no_more:
                    "A list shows the first 512 bytes of a payload, or all of it if it is shorter.",
                list_has_what_stays_whatever_changes_between_pages:
                    "A record that is live and the owner's from the first page to the last is listed, whatever changes between the pages.",
                a_list_goes_on_after_its_last_record_is_deleted:
                    "A list goes on although the record where its last page ended is deleted.",
                a_page_of_a_list_shows_nothing_that_ended_before_it:
                    "A list does not show a record that was deleted, or given to another owner, before its page was asked for.",
                a_page_of_a_list_shows_records_as_they_are_at_its_time:
                    "A page of a list shows what updated records are at the time of the page.",
            }
            revoking {
                revoke_removes_what_began_before:
                    "A revocation removes the owner's records that began before it.",
                revoke_removes_what_began_at_that_moment:
                    "What began at the moment of the revocation is not later, so it is removed; a microsecond later is.",
                revoke_spares_what_began_after:
                    "A revocation spares the owner's records that began after it.",
                revoke_says_how_many_live_records_there_were:
                    "A revocation says how many live records it removed.",
                revoke_removes_all_records_however_many:
                    "A revocation removes all records that began before it, however many there are.",
                revoke_refuses_a_create_that_began_before:
                    "A create that began before the revocation is refused, and nothing is kept.",
                revoke_refuses_an_update_that_began_before:
                    "An update whose owner began before the revocation is refused, and nothing is changed.",
                what_is_refused_for_two_reasons_changes_nothing:
                    "What is refused for the revocation and for another reason changes nothing, whichever is the answer.",
                revoke_admits_what_began_after:
                    "A create and an update that began after the revocation are taken.",
                revoke_is_final_for_the_records_removed:
                    "A record that was removed by a revocation comes back by no update and no touch.",
                revoke_never_moves_back: "An earlier revocation than one already made changes nothing.",
                a_later_revocation_moves_on: "A later revocation ends what the earlier one spared.",
                revoke_of_an_owner_without_records_is_remembered:
                    "A revocation of an owner that has no record is remembered.",
                revoke_leaves_other_owners:
                    "A revocation leaves the records of other owners, and those without an owner.",
                revoke_goes_by_what_the_record_says_now:
                    "A revocation goes by the owner and the `logged_in_at` that the record names now.",
                a_revocation_is_remembered_for_24_hours: "A revocation is remembered for 24 hours at least.",
            }
            scanning {
                scan_sees_every_live_record: "A scan sees every live record.",
                scan_by_pages_of_one_sees_every_record: "A scan with pages of one record sees every record.",
                a_page_is_about_as_long_as_asked: "A page has about as many records as were asked for.",
                scan_hands_back_each_record_as_it_is:
                    "A scan hands back each record and its version as they are.",
                scan_does_not_see_a_deleted_record:
                    "A scan does not see a record that was deleted before it began.",
                scan_sees_what_lives_throughout_whatever_changes_between_pages:
                    "A record that lives from the first page to the last is seen, whatever changes between the pages.",
                scan_goes_on_after_the_record_at_the_end_of_a_page_is_deleted:
                    "A scan goes on although the record where its last page ended is deleted.",
                scan_sees_what_lives_throughout_while_others_write:
                    "A record that lives throughout is seen at least once while others write at the same time.",
                count_counts_the_live_records: "The count is the number of live records.",
                looking_changes_nothing: "A scan, a count and a list change nothing.",
            }
            clearing {
                clear_removes_every_record: "A clear removes every record, whatever its expiry or owner.",
                clear_says_how_many_live_records_there_were: "A clear says how many live records there were.",
                clear_also_removes_what_has_expired:
                    "A clear also removes what has expired, so that a sweep finds nothing.",
                a_cleared_store_takes_records_again: "A store that was cleared takes records again.",
                clear_keeps_revocations: "A clear keeps revocations.",
            }
            sweeping {
                sweep_removes_what_has_expired:
                    "A sweep removes what has expired, once, and says how many records those were.",
                sweep_says_how_many_were_sliding:
                    "A sweep says how many of the records that it removed were sliding.",
                sweep_never_removes_a_live_record: "A sweep never removes a live record.",
                sweep_removes_no_more_than_its_limit: "A sweep removes no more records than its limit.",
                sweep_says_whether_there_is_more:
                    "A sweep that stopped at its limit says that there is more, and the next one goes on.",
                any_number_of_sweeps_at_once_remove_each_record_once:
                    "Any number of sweeps at once remove each expired record once.",
                sweep_spares_a_record_created_again:
                    "A sweep spares a record that was created again where an expired one was.",
                sweep_spares_a_record_created_at_the_same_moment:
                    "A sweep spares a record that is created again at the same moment.",
                sweep_forgets_no_revocation_of_the_last_24_hours:
                    "A sweep forgets no revocation of the last 24 hours.",
            }
            racing {
                of_any_number_of_creates_at_once_one_wins: "Of any number of creates at once, one wins.",
                of_any_number_of_updates_at_once_one_wins:
                    "Of any number of updates of one version at once, one wins, and the others learn what is there.",
                of_any_number_of_deletes_at_once_one_hands_it_back:
                    "Of any number of deletes at once, one hands the record back.",
                of_any_number_of_touches_at_once_the_latest_stays:
                    "Of any number of touches at once, the latest expiry stays.",
                increments_by_many_at_once_are_all_counted:
                    "Increments by many tasks at once are all counted, each exactly once, and each gets a version of its own.",
                writes_to_different_keys_at_once_are_all_kept:
                    "Records under different keys that are written at once are all kept.",
                a_key_has_one_holder_at_a_time:
                    "A key that many create and delete in turn has one holder at a time.",
                a_delete_beside_updates_and_touches_is_final:
                    "A delete beside updates and touches is final: the record does not come back.",
                touches_beside_updates_lose_nothing:
                    "Touches beside updates lose none of them, and cause no conflict.",
                a_load_beside_updates_sees_a_whole_record:
                    "A load beside updates sees one whole record: payload, expiry and owner belong together.",
                a_create_beside_touches_is_whole:
                    "A create beside touches of the record that was there before is whole.",
                a_revocation_beside_creates_is_final:
                    "A revocation beside creates is final: none of the owner's records is there afterwards.",
                a_revocation_beside_updates_is_final:
                    "A revocation beside updates is final: neither a record that was the owner's nor one that becomes theirs stays.",
                a_list_beside_updates_has_only_the_owners_records:
                    "An owner's list beside updates that move a record has it with one owner or with the other, as that owner's.",
                a_dropped_update_is_done_or_not_begun:
                    "An update that is dropped has replaced the whole record, or nothing of it.",
                a_dropped_create_is_done_or_not_begun:
                    "A create that is dropped has made the whole record, or none.",
                a_dropped_delete_is_done_or_not_begun:
                    "A delete that is dropped has removed the whole record, or nothing of it.",
            }
            handles {
                a_create_is_seen_by_another_handle: "What one handle creates, the other loads.",
                an_update_is_seen_by_another_handle:
                    "What one handle updates, the other no longer updates under the old version, although it loaded that.",
                a_touch_is_seen_by_another_handle:
                    "What one handle touches, the other sees with its later expiry.",
                a_delete_is_seen_by_another_handle:
                    "What one handle deletes is gone for the other, although that loaded it.",
                a_revocation_is_seen_by_another_handle: "What one handle revokes, the other refuses.",
                a_record_is_listed_and_scanned_by_another_handle:
                    "What one handle writes, the other lists and scans.",
            }
            errors {
                the_promised_capabilities_are_there: "The capabilities that the harness promises are there.",
                an_error_is_never_missing:
                    "A store that cannot look says so: it never reports a record as missing, taken, gone or written.",
                an_error_is_never_nothing_for_a_capability:
                    "A capability that cannot look says so: it never reports that there is nothing.",
                debug_shows_no_key_and_no_payload:
                    "No key and no payload is in the `Debug` of a store or of its capabilities.",
                errors_show_no_key_and_no_payload:
                    "No key and no payload is in an error, nor in what caused it.",
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
