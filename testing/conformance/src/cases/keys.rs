//! A key has 1 to 255 bytes of any value, and is kept apart from every other.

use cloakroom_store::StoreKey;

use crate::cases::scanning::scan_all;
use crate::expect::{created, ensure, holds, missing};
use crate::failure::Outcome;
use crate::hostile;
use crate::trial::Trial;

/// Creates a record under each key, and sees that no write to one is a write to another.
async fn are_kept_apart(t: &Trial<'_>, names: &[Vec<u8>]) -> Outcome {
    let mut kept = Vec::new();
    for key in t.keys_of(names)? {
        let record = t.record();
        let version = created(t.store.create(&key, &record).await?)?;
        kept.push((key, record, version));
    }
    for (key, record, version) in &kept {
        holds(t.store.load(key, None).await?, record, *version)?;
    }
    for (key, record, version) in kept.iter().step_by(2) {
        holds(t.store.delete(key).await?, record, *version)?;
    }
    for (number, (key, record, version)) in kept.iter().enumerate() {
        let answer = t.store.load(key, None).await?;
        if number % 2 == 0 { missing(answer)? } else { holds(answer, record, *version)? }
    }
    Ok(())
}

/// Every byte can be a key.
pub(crate) async fn every_byte_can_be_a_key(t: &Trial<'_>) -> Outcome {
    are_kept_apart(t, &hostile::single_bytes()).await
}

/// Keys that look like paths are kept apart.
pub(crate) async fn keys_that_look_like_paths_are_kept_apart(t: &Trial<'_>) -> Outcome {
    are_kept_apart(t, &hostile::paths()).await
}

/// Keys that look like queries, protocol lines or property names are kept apart.
pub(crate) async fn keys_that_look_like_queries_are_kept_apart(t: &Trial<'_>) -> Outcome {
    are_kept_apart(t, &hostile::queries()).await
}

/// Keys that look like the same number are kept apart.
pub(crate) async fn keys_that_look_like_one_number_are_kept_apart(t: &Trial<'_>) -> Outcome {
    are_kept_apart(t, &hostile::numbers()).await
}

/// Keys that differ in case only are kept apart.
pub(crate) async fn keys_that_differ_in_case_only_are_kept_apart(t: &Trial<'_>) -> Outcome {
    are_kept_apart(t, &hostile::cases()).await
}

/// Keys that differ in a NUL, a space or a line end at their end are kept apart.
pub(crate) async fn keys_that_differ_at_their_end_are_kept_apart(t: &Trial<'_>) -> Outcome {
    are_kept_apart(t, &hostile::endings()).await
}

/// Keys that are not text, or the same text in other bytes, are kept apart.
pub(crate) async fn keys_that_are_not_text_are_kept_apart(t: &Trial<'_>) -> Outcome {
    are_kept_apart(t, &hostile::texts()).await
}

/// A key of any length up to 255 bytes is never cut.
pub(crate) async fn a_key_is_never_cut(t: &Trial<'_>) -> Outcome {
    let longest = if t.limits.alone { StoreKey::MAX_LEN } else { StoreKey::MAX_LEN - 8 };
    let mut names = hostile::lengths(longest);
    for last in [0, b'y', 0xff] {
        let mut name = vec![b'x'; longest];
        name[longest - 1] = last;
        names.push(name);
    }
    are_kept_apart(t, &names).await
}

/// A scan hands back every key as it went in.
pub(crate) async fn a_scan_hands_back_every_key_as_it_went_in(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let keys =
        t.keys_of(&[hostile::everything(), hostile::lengths(StoreKey::MAX_LEN).split_off(200)].concat())?;
    for key in &keys {
        created(t.store.create(key, &t.record()).await?)?;
    }
    let seen = scan_all(scan, 100).await?;
    ensure(
        keys.iter().all(|key| seen.contains_key(key)),
        "a key is missing from the scan, or has other bytes",
    )
}
