//! A payload is any bytes, and comes back as it went in.

use cloakroom_store::{Bytes, ErrorKind, Record};

use crate::expect::{conflict, holds, missing, same, same_record, updated};
use crate::failure::{Failure, Outcome, Stop};
use crate::hostile;
use crate::trial::Trial;

const ONE_MEBIBYTE: usize = 1 << 20;

/// Sends `payload` through every method that carries one.
async fn comes_back(t: &Trial<'_>, payload: Bytes) -> Outcome {
    let record = t.record().with_payload(payload);
    let (key, first) = t.kept(&record).await?;
    holds(t.store.load(&key, None).await?, &record, first)?;
    let second = updated(t.store.update(&key, first, &t.record()).await?)?;
    let third = updated(t.store.update(&key, second, &record).await?)?;
    let stored = conflict(t.store.update(&key, second, &t.record()).await?)?;
    same_record(&stored.record, &record)?;
    holds(t.store.load(&key, None).await?, &record, third)?;
    holds(t.store.delete(&key).await?, &record, third)
}

/// An empty payload is a payload.
pub(crate) async fn an_empty_payload_is_kept(t: &Trial<'_>) -> Outcome {
    comes_back(t, Bytes::new()).await
}

/// Every byte can be in a payload.
pub(crate) async fn every_byte_can_be_in_a_payload(t: &Trial<'_>) -> Outcome {
    comes_back(t, (0..=u8::MAX).collect()).await?;
    comes_back(t, (0..=u8::MAX).rev().collect()).await
}

/// Payloads that look like something else come back as they went in.
pub(crate) async fn hostile_payloads_come_back_as_they_went_in(t: &Trial<'_>) -> Outcome {
    let (key, mut version) = t.kept(&t.record()).await?;
    for payload in hostile::everything() {
        let record = Record::new(payload, t.late());
        version = updated(t.store.update(&key, version, &record).await?)?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

/// A payload of 1 MiB, or of the largest size that the store keeps, comes back whole.
pub(crate) async fn the_largest_payload_is_kept_whole(t: &Trial<'_>) -> Outcome {
    comes_back(t, noise(t.limits.max_payload_bytes.unwrap_or(ONE_MEBIBYTE))).await
}

/// A payload that is too large is refused, and no record is made of it.
pub(crate) async fn a_payload_that_is_too_large_is_refused(t: &Trial<'_>) -> Outcome {
    let key = t.key();
    let answer = t.store.create(&key, &too_large(t)?).await;
    is_too_large(answer.err().map(|error| error.kind()))?;
    missing(t.store.load(&key, None).await?)
}

/// Where a payload is too large, the record that was there stays.
pub(crate) async fn a_payload_that_is_too_large_leaves_the_record_that_was_there(t: &Trial<'_>) -> Outcome {
    let too_large = too_large(t)?;
    let record = t.record();
    let (key, version) = t.kept(&record).await?;
    let answer = t.store.update(&key, version, &too_large).await;
    is_too_large(answer.err().map(|error| error.kind()))?;
    holds(t.store.load(&key, None).await?, &record, version)
}

/// A long payload replaced by a short one, or by none, leaves nothing of itself behind.
pub(crate) async fn a_shorter_payload_replaces_a_longer_one_whole(t: &Trial<'_>) -> Outcome {
    let (key, mut version) = t.kept(&t.record()).await?;
    for length in [70_000, 3, 4_097, 0, 1] {
        let record = t.record().with_payload(noise(length));
        version = updated(t.store.update(&key, version, &record).await?)?;
        holds(t.store.load(&key, None).await?, &record, version)?;
    }
    Ok(())
}

fn too_large(t: &Trial<'_>) -> Outcome<Record> {
    let Some(largest) = t.limits.max_payload_bytes else {
        return Err(Stop::NotApplicable("the store has no largest payload"));
    };
    Ok(t.record().with_payload(noise(largest + 1)))
}

#[track_caller]
fn is_too_large(kind: Option<ErrorKind>) -> Outcome {
    let kind = kind.ok_or_else(|| Failure::answer("a payload that is too large was not refused"))?;
    same("the kind of the error", &kind, &ErrorKind::TooLarge)
}

/// Bytes without a pattern, so that neither cutting nor compressing goes unseen; the same ones each time.
pub(crate) fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}
