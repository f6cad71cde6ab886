//! Stores with one fault each: the suite must fail on each, and by the names of the cases that are meant to catch it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "all of this is a test")]

mod bytes;
mod expiry;
mod faulty;
mod graveyard;
mod listing;
mod looking;
mod owners;
mod steps;
mod touching;
mod versions;
mod writing;

use std::collections::BTreeSet;

use cloakroom_conformance::{Case, cases};

/// A test for each fault, named after it: the whole suite runs on a store with the fault, and these cases must fail.
macro_rules! faults {
    ($($name:ident ($fault:ty): $($case:ident),+;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                faulty::is_caught_by::<$fault>(&[$(stringify!($case)),+]).await;
            }
        )*
        /// The cases that some fault must be caught by.
        const CATCHING: &[&str] = &[$($(stringify!($case)),+),*];
    };
}

faults! {
    // writing
    update_creates (writing::UpdateCreates): update_never_creates, delete_is_final_for_an_update;
    update_ignores_the_version (writing::UpdateIgnoresTheVersion):
        update_replaces_exactly_the_version_named,
        an_update_from_before_a_delete_never_meets_the_new_record,
        increments_by_many_at_once_are_all_counted;
    conflict_carries_your_own_record (writing::ConflictCarriesYourOwnRecord): conflict_carries_what_is_there;
    update_without_a_change_keeps_the_version (writing::UpdateWithoutAChangeKeepsTheVersion):
        an_update_always_gives_another_version;
    update_never_shortens_the_expiry (writing::UpdateNeverShortensTheExpiry):
        update_takes_an_earlier_expiry_as_it_is,
        an_updated_record_lives_until_its_new_expiry;
    update_keeps_the_expiry (writing::UpdateKeepsTheExpiry):
        update_takes_an_earlier_expiry_as_it_is,
        update_replaces_the_whole_record;
    update_keeps_the_owner (writing::UpdateKeepsTheOwner):
        update_replaces_the_whole_record,
        an_update_that_changes_the_owner_moves_the_record,
        a_tombstone_update_leaves_the_owner_list;
    update_keeps_whether_it_slides (writing::UpdateKeepsWhetherItSlides): update_replaces_the_whole_record;
    update_leaves_the_tail_of_a_longer_payload (writing::UpdateLeavesTheTailOfALongerPayload):
        hostile_payloads_come_back_as_they_went_in,
        a_shorter_payload_replaces_a_longer_one_whole;
    update_writes_every_record (writing::UpdateWritesEveryRecord):
        update_changes_one_record_only,
        revoke_goes_by_what_the_record_says_now;
    create_overwrites (writing::CreateOverwrites): create_never_overwrites;
    create_answers_taken_and_overwrites (writing::CreateAnswersTakenAndOverwrites): create_never_overwrites;
    create_removes_another_record (writing::CreateRemovesAnotherRecord): create_makes_one_record_only;
    create_evicts_a_record (writing::CreateEvictsARecord):
        scan_sees_what_lives_throughout_while_others_write,
        list_has_all_records_however_many;
    create_refuses_a_key_that_was_deleted (writing::CreateRefusesAKeyThatWasDeleted):
        create_after_a_delete_is_a_new_record;
    delete_does_nothing (writing::DeleteDoesNothing): delete_removes_the_record;
    delete_hands_nothing_back (writing::DeleteHandsNothingBack): delete_hands_back_what_it_removed;
    delete_of_nothing_is_an_error (writing::DeleteOfNothingIsAnError):
        delete_of_an_unknown_key_finds_nothing,
        delete_twice_is_fine;
    delete_removes_everything (writing::DeleteRemovesEverything): delete_removes_one_record_only;
    delete_is_undone_by_an_update (writing::DeleteIsUndoneByAnUpdate):
        delete_is_final_for_an_update,
        a_delete_beside_updates_and_touches_is_final;
    delete_is_undone_by_a_touch (writing::DeleteIsUndoneByATouch):
        delete_is_final_for_a_touch,
        a_create_beside_touches_is_whole;
    delete_is_undone_by_a_load_with_a_touch (writing::DeleteIsUndoneByALoadWithATouch):
        delete_is_final_for_a_load_with_a_touch,
        a_create_beside_touches_is_whole;

    // touching
    load_moves_the_expiry_by_itself (touching::LoadMovesTheExpiryByItself): load_changes_nothing;
    load_of_nothing_creates (touching::LoadOfNothingCreates):
        load_of_an_unknown_key_finds_nothing,
        delete_is_final_for_a_load_with_a_touch;
    touch_creates (touching::TouchCreates): touch_never_creates, delete_is_final_for_a_touch;
    touch_moves_earlier (touching::TouchMovesEarlier): touch_never_moves_the_expiry_earlier;
    touch_changes_the_version (touching::TouchChangesTheVersion): touch_leaves_the_version;
    touch_does_nothing (touching::TouchDoesNothing):
        touch_moves_the_expiry_later,
        a_touched_record_lives_until_its_later_expiry;
    touch_says_whether_it_moved (touching::TouchSaysWhetherItMoved): touch_never_moves_the_expiry_earlier;
    touch_moves_sliding_records_only (touching::TouchMovesSlidingRecordsOnly):
        touch_also_moves_a_record_that_is_not_sliding;
    touch_forgets_the_owner (touching::TouchForgetsTheOwner):
        touch_moves_nothing_but_the_expiry,
        a_touched_record_stays_in_the_owner_list;
    touch_does_not_know_never (touching::TouchDoesNotKnowNever):
        touch_knows_never,
        a_record_that_never_expires_stays;
    touch_moves_every_record (touching::TouchMovesEveryRecord): touch_moves_one_record_only;
    load_ignores_the_touch (touching::LoadIgnoresTheTouch): load_with_a_due_touch_moves_the_expiry;
    load_with_a_touch_answers_with_the_old_expiry (touching::LoadWithATouchAnswersWithTheOldExpiry):
        load_with_a_touch_answers_with_the_new_expiry;
    load_with_a_touch_ignores_whether_it_slides (touching::LoadWithATouchIgnoresWhetherItSlides):
        a_touch_rides_only_on_sliding_records;
    load_with_a_touch_ignores_whether_it_is_due (touching::LoadWithATouchIgnoresWhetherItIsDue):
        load_with_a_touch_that_is_not_due_leaves_the_expiry;
    load_with_a_touch_is_due_a_microsecond_too_early (touching::LoadWithATouchIsDueAMicrosecondTooEarly):
        load_with_a_touch_that_is_not_due_leaves_the_expiry;
    load_with_a_touch_moves_earlier (touching::LoadWithATouchMovesEarlier):
        load_with_a_touch_never_moves_the_expiry_earlier;
    load_with_a_touch_changes_the_version (touching::LoadWithATouchChangesTheVersion):
        load_with_a_touch_moves_nothing_but_the_expiry;
    load_with_a_touch_moves_every_record (touching::LoadWithATouchMovesEveryRecord):
        load_with_a_touch_moves_one_record_only;

    // expiry
    expired_is_visible_to_load (expiry::ExpiredIsVisibleToLoad):
        an_expired_record_does_not_exist_for_load,
        a_record_is_live_until_its_expiry;
    expired_comes_back_by_a_load_with_a_touch (expiry::ExpiredComesBackByALoadWithATouch):
        an_expired_record_does_not_exist_for_load_with_a_touch;
    expired_is_visible_to_create (expiry::ExpiredIsVisibleToCreate):
        an_expired_record_does_not_exist_for_create;
    expired_is_visible_to_update (expiry::ExpiredIsVisibleToUpdate):
        an_expired_record_does_not_exist_for_update;
    expired_is_visible_to_touch (expiry::ExpiredIsVisibleToTouch): an_expired_record_does_not_exist_for_touch;
    expired_is_visible_to_delete (expiry::ExpiredIsVisibleToDelete):
        an_expired_record_does_not_exist_for_delete;
    expired_is_visible_to_scan (expiry::ExpiredIsVisibleToScan): an_expired_record_does_not_exist_for_scan;
    expired_is_visible_to_count (expiry::ExpiredIsVisibleToCount): an_expired_record_does_not_exist_for_count;
    expired_is_visible_to_clear (expiry::ExpiredIsVisibleToClear): an_expired_record_does_not_exist_for_clear;
    expired_is_visible_to_list (expiry::ExpiredIsVisibleToList): an_expired_record_does_not_exist_for_list;
    expired_is_visible_to_revoke (expiry::ExpiredIsVisibleToRevoke):
        an_expired_record_does_not_exist_for_revoke;
    gone_a_microsecond_too_early (expiry::GoneAMicrosecondTooEarly): a_record_is_live_until_its_expiry;
    gone_a_microsecond_too_late (expiry::GoneAMicrosecondTooLate): a_record_is_live_until_its_expiry;
    written_past_its_expiry_it_lives_on (expiry::WrittenPastItsExpiryItLivesOn):
        a_record_created_past_its_expiry_does_not_exist,
        an_update_past_its_own_expiry_is_gone_at_once;
    expiry_in_milliseconds (expiry::ExpiryInMilliseconds): an_expiry_comes_back_to_the_microsecond;
    expiry_in_32_bits (expiry::ExpiryIn32Bits): the_farthest_expiries_come_back;
    servers_own_expiry_is_never_moved (expiry::ServersOwnExpiryIsNeverMoved):
        a_touched_record_lives_until_its_later_expiry,
        a_record_touched_by_a_load_lives_until_its_later_expiry,
        a_record_that_never_expires_stays;
    never_stays_never (expiry::NeverStaysNever): a_record_that_never_expired_can_be_given_an_expiry;

    // bytes
    keys_are_cut_at_64_bytes (bytes::KeysAreCutAt64Bytes): a_key_is_never_cut;
    keys_are_cut_at_nul (bytes::KeysAreCutAtNul): keys_that_differ_at_their_end_are_kept_apart;
    keys_are_trimmed (bytes::KeysAreTrimmed): keys_that_differ_at_their_end_are_kept_apart;
    keys_are_case_folded (bytes::KeysAreCaseFolded): keys_that_differ_in_case_only_are_kept_apart;
    keys_become_text (bytes::KeysBecomeText): keys_that_are_not_text_are_kept_apart, every_byte_can_be_a_key;
    keys_become_numbers (bytes::KeysBecomeNumbers): keys_that_look_like_one_number_are_kept_apart;
    keys_become_paths (bytes::KeysBecomePaths): keys_that_look_like_paths_are_kept_apart;
    keys_become_their_hash_tag (bytes::KeysBecomeTheirHashTag): keys_that_look_like_queries_are_kept_apart;
    scan_turns_keys_into_text (bytes::ScanTurnsKeysIntoText): a_scan_hands_back_every_key_as_it_went_in;
    payloads_are_cut_at_64_kib (bytes::PayloadsAreCutAt64KiB): the_largest_payload_is_kept_whole;
    payloads_become_text (bytes::PayloadsBecomeText): every_byte_can_be_in_a_payload;
    payloads_are_trimmed (bytes::PayloadsAreTrimmed): hostile_payloads_come_back_as_they_went_in;
    an_empty_payload_is_missing (bytes::AnEmptyPayloadIsMissing): an_empty_payload_is_kept;
    too_large_is_cut (bytes::TooLargeIsCut): a_payload_that_is_too_large_is_refused;
    too_large_removes_what_was_there (bytes::TooLargeRemovesWhatWasThere):
        a_payload_that_is_too_large_leaves_the_record_that_was_there;
    too_large_is_just_another_error (bytes::TooLargeIsJustAnotherError):
        a_payload_that_is_too_large_is_refused;
    every_record_slides (bytes::EveryRecordSlides):
        load_finds_what_was_created,
        a_touch_rides_only_on_sliding_records;
    since_in_milliseconds (bytes::SinceInMilliseconds): an_owner_comes_back_as_it_went_in;
    owners_are_case_folded (bytes::OwnersAreCaseFolded): hostile_owners_are_kept_apart;

    // owners
    owner_index_is_written_by_create_only (owners::OwnerIndexIsWrittenByCreateOnly):
        an_update_that_names_an_owner_lists_the_record,
        a_deleted_record_leaves_the_owner_list,
        a_record_created_over_an_expired_one_has_nothing_of_it;
    list_loses_what_was_updated (owners::ListLosesWhatWasUpdated):
        an_update_that_keeps_the_owner_keeps_the_record_listed;
    list_ends_after_100 (owners::ListEndsAfter100): list_has_all_records_however_many;
    list_has_each_record_twice (owners::ListHasEachRecordTwice): list_has_every_record_of_the_owner;
    list_has_everybodys_records (owners::ListHasEverybodysRecords):
        list_of_an_unknown_owner_is_empty,
        list_has_every_record_of_the_owner;
    list_ends_after_one_page (listing::ListEndsAfterOnePage): list_in_pages_of_any_size_has_every_record;
    list_never_ends (listing::ListNeverEnds): list_in_pages_of_any_size_has_every_record;
    list_ignores_the_limit (listing::ListIgnoresTheLimit): a_page_of_a_list_is_about_as_long_as_asked;
    list_counts_its_way (listing::ListCountsItsWay):
        list_has_what_stays_whatever_changes_between_pages,
        a_list_goes_on_after_its_last_record_is_deleted;
    list_goes_by_since (listing::ListGoesBySince):
        list_has_what_stays_whatever_changes_between_pages;
    list_ends_where_its_last_record_is_gone (listing::ListEndsWhereItsLastRecordIsGone):
        a_list_goes_on_after_its_last_record_is_deleted;
    list_shows_whole_payloads (listing::ListShowsWholePayloads):
        a_list_shows_the_beginning_of_a_payload_and_no_more;
    list_shows_no_payload (listing::ListShowsNoPayload):
        a_list_shows_the_beginning_of_a_payload_and_no_more,
        list_has_every_record_of_the_owner;
    list_is_of_its_first_page (listing::ListIsOfItsFirstPage):
        a_page_of_a_list_shows_nothing_that_ended_before_it,
        a_page_of_a_list_shows_records_as_they_are_at_its_time;
    revoke_ends_no_more_than_100 (owners::RevokeEndsNoMoreThan100): revoke_removes_all_records_however_many;
    revoke_only_remembers (owners::RevokeOnlyRemembers): revoke_removes_what_began_before;
    revoke_is_not_remembered (owners::RevokeIsNotRemembered):
        revoke_refuses_a_create_that_began_before,
        revoke_refuses_an_update_that_began_before;
    revoke_moves_back (owners::RevokeMovesBack): revoke_never_moves_back;
    revoke_never_moves_on (owners::RevokeNeverMovesOn): a_later_revocation_moves_on;
    revoke_is_remembered_forever (owners::RevokeIsRememberedForever): revoke_admits_what_began_after;
    revoke_is_remembered_only_if_it_removed_something (owners::RevokeIsRememberedOnlyIfItRemovedSomething):
        revoke_of_an_owner_without_records_is_remembered;
    revoke_is_remembered_for_an_hour (owners::RevokeIsRememberedForAnHour):
        a_revocation_is_remembered_for_24_hours,
        sweep_forgets_no_revocation_of_the_last_24_hours;
    revoke_spares_its_own_moment (owners::RevokeSparesItsOwnMoment): revoke_removes_what_began_at_that_moment;
    revoke_in_seconds (owners::RevokeInSeconds): revoke_removes_what_began_at_that_moment;
    revoke_ends_later_ones_too (owners::RevokeEndsLaterOnesToo):
        revoke_spares_what_began_after,
        revoke_goes_by_what_the_record_says_now;
    revoke_ends_whoever_begins_alike (owners::RevokeEndsWhoeverBeginsAlike): revoke_leaves_other_owners;
    revoke_counts_nothing (owners::RevokeCountsNothing): revoke_says_how_many_live_records_there_were;
    revoke_is_undone_by_a_touch (owners::RevokeIsUndoneByATouch): revoke_is_final_for_the_records_removed;
    update_does_not_ask_for_revocations (owners::UpdateDoesNotAskForRevocations):
        revoke_refuses_an_update_that_began_before,
        a_revocation_beside_updates_is_final;
    update_answers_revoked_and_writes (owners::UpdateAnswersRevokedAndWrites):
        revoke_refuses_an_update_that_began_before,
        a_revocation_beside_updates_is_final;
    update_of_nothing_for_a_revoked_owner_is_written (owners::UpdateOfNothingForARevokedOwnerIsWritten):
        what_is_refused_for_two_reasons_changes_nothing;
    create_answers_revoked_and_keeps (owners::CreateAnswersRevokedAndKeeps):
        revoke_refuses_a_create_that_began_before;

    // looking
    scan_skips_the_first_of_a_page (looking::ScanSkipsTheFirstOfAPage):
        scan_by_pages_of_one_sees_every_record;
    scan_ends_after_one_page (looking::ScanEndsAfterOnePage): scan_sees_every_live_record;
    scan_never_ends (looking::ScanNeverEnds): scan_sees_every_live_record;
    scan_ignores_the_limit (looking::ScanIgnoresTheLimit): a_page_is_about_as_long_as_asked;
    scan_counts_its_way (looking::ScanCountsItsWay):
        scan_sees_what_lives_throughout_whatever_changes_between_pages;
    scan_ends_where_its_last_record_is_gone (looking::ScanEndsWhereItsLastRecordIsGone):
        scan_goes_on_after_the_record_at_the_end_of_a_page_is_deleted;
    scan_hands_no_payload_back (looking::ScanHandsNoPayloadBack): scan_hands_back_each_record_as_it_is;
    scan_sees_what_was_deleted (looking::ScanSeesWhatWasDeleted): scan_does_not_see_a_deleted_record;
    count_counts_updates (looking::CountCountsUpdates): count_counts_the_live_records;
    count_changes_versions (looking::CountChangesVersions): looking_changes_nothing;
    clear_spares_what_never_expires (looking::ClearSparesWhatNeverExpires): clear_removes_every_record;
    clear_spares_what_has_expired (looking::ClearSparesWhatHasExpired): clear_also_removes_what_has_expired;
    clear_counts_nothing (looking::ClearCountsNothing): clear_says_how_many_live_records_there_were;
    clear_forgets_revocations (looking::ClearForgetsRevocations): clear_keeps_revocations;
    clear_marks_keys_as_taken (looking::ClearMarksKeysAsTaken): a_cleared_store_takes_records_again;
    sweep_does_nothing (looking::SweepDoesNothing): sweep_removes_what_has_expired;
    sweep_removes_what_expires_soon (looking::SweepRemovesWhatExpiresSoon): sweep_never_removes_a_live_record;
    sweep_ignores_the_limit (looking::SweepIgnoresTheLimit): sweep_removes_no_more_than_its_limit;
    sweep_never_says_that_there_is_more (looking::SweepNeverSaysThatThereIsMore):
        sweep_says_whether_there_is_more;
    sweep_takes_every_record_for_a_sliding_one (looking::SweepTakesEveryRecordForASlidingOne):
        sweep_says_how_many_were_sliding;
    sweep_always_says_that_there_is_more (looking::SweepAlwaysSaysThatThereIsMore):
        sweep_says_whether_there_is_more;
    sweep_forgets_revocations (looking::SweepForgetsRevocations):
        sweep_forgets_no_revocation_of_the_last_24_hours;
    sweep_is_two_steps (looking::SweepIsTwoSteps):
        any_number_of_sweeps_at_once_remove_each_record_once,
        sweep_spares_a_record_created_at_the_same_moment;
    sweep_removes_what_was_created_again (looking::SweepRemovesWhatWasCreatedAgain):
        sweep_spares_a_record_created_again;

    // versions
    versions_begin_again (versions::VersionsBeginAgain):
        a_version_is_never_used_twice_not_even_after_a_delete,
        a_version_is_never_used_twice_not_even_after_expiry,
        a_version_is_never_used_twice_not_even_after_a_sweep,
        a_version_is_never_used_twice_not_even_after_a_clear,
        a_version_is_never_used_twice_not_even_after_a_revocation;
    versions_come_in_threes (versions::VersionsComeInThrees): a_version_is_never_used_twice;
    versions_are_counted_by_each_handle (versions::VersionsAreCountedByEachHandle):
        a_version_is_never_used_twice_not_even_by_another_handle,
        increments_by_many_at_once_are_all_counted;
    handles_cache_what_they_load (versions::HandlesCacheWhatTheyLoad):
        an_update_is_seen_by_another_handle,
        a_delete_is_seen_by_another_handle,
        a_touch_is_seen_by_another_handle,
        a_revocation_is_seen_by_another_handle;
    handles_do_not_share (versions::HandlesDoNotShare):
        a_create_is_seen_by_another_handle,
        a_record_is_listed_and_scanned_by_another_handle;
    load_error_is_missing (versions::LoadErrorIsMissing): an_error_is_never_missing;
    update_error_is_gone (versions::UpdateErrorIsGone): an_error_is_never_missing;
    list_error_is_empty (versions::ListErrorIsEmpty): an_error_is_never_nothing_for_a_capability;
    debug_shows_keys (versions::DebugShowsKeys): debug_shows_no_key_and_no_payload;
    debug_shows_payloads (versions::DebugShowsPayloads): debug_shows_no_key_and_no_payload;
    errors_name_the_key (versions::ErrorsNameTheKey): errors_show_no_key_and_no_payload;
    loses_a_capability (versions::LosesACapability): the_promised_capabilities_are_there;

    // steps
    create_is_two_steps (steps::CreateIsTwoSteps):
        of_any_number_of_creates_at_once_one_wins,
        a_key_has_one_holder_at_a_time;
    update_is_two_steps (steps::UpdateIsTwoSteps):
        of_any_number_of_updates_at_once_one_wins,
        increments_by_many_at_once_are_all_counted;
    delete_is_two_steps (steps::DeleteIsTwoSteps):
        of_any_number_of_deletes_at_once_one_hands_it_back,
        a_delete_beside_updates_and_touches_is_final;
    touch_is_two_steps (steps::TouchIsTwoSteps):
        touches_beside_updates_lose_nothing,
        of_any_number_of_touches_at_once_the_latest_stays,
        a_create_beside_touches_is_whole,
        a_delete_beside_updates_and_touches_is_final;
    all_records_are_written_together (steps::AllRecordsAreWrittenTogether):
        writes_to_different_keys_at_once_are_all_kept;
    update_writes_part_after_part (steps::UpdateWritesPartAfterPart):
        a_dropped_update_is_done_or_not_begun,
        a_load_beside_updates_sees_a_whole_record;
    create_writes_part_after_part (steps::CreateWritesPartAfterPart): a_dropped_create_is_done_or_not_begun;
    delete_removes_part_after_part (steps::DeleteRemovesPartAfterPart): a_dropped_delete_is_done_or_not_begun;
    revoke_is_two_steps (steps::RevokeIsTwoSteps):
        a_revocation_beside_creates_is_final,
        a_revocation_beside_updates_is_final;
    list_is_two_steps (steps::ListIsTwoSteps): a_list_beside_updates_has_only_the_owners_records;
}

#[test]
fn no_case_is_one_that_cannot_fail() {
    let catching = CATCHING.iter().copied().collect::<BTreeSet<_>>();
    let cases = cases().iter().map(Case::name).collect::<BTreeSet<_>>();
    assert_eq!(catching, cases);
}
