//! What an answer has to be. Each of these remembers the line of the case that called it.

use std::collections::BTreeMap;
use std::fmt;

use cloakroom_store::{CreateOutcome, Entry, Record, StoreKey, UpdateOutcome, Version, VersionedRecord};

use crate::failure::{Failure, Outcome};

/// Fails with `broken` unless `holds`.
#[track_caller]
pub(crate) fn ensure(holds: bool, broken: &str) -> Outcome {
    if holds { Ok(()) } else { Err(Failure::answer(broken).into()) }
}

/// Fails unless both are the same; `what` names them.
#[track_caller]
pub(crate) fn same<T: PartialEq + fmt::Debug>(what: &str, answer: &T, due: &T) -> Outcome {
    if answer == due {
        return Ok(());
    }
    Err(Failure::answer(format!("{what}: the answer was {answer:?}, due was {due:?}")).into())
}

#[track_caller]
pub(crate) fn created(answer: CreateOutcome) -> Outcome<Version> {
    match answer {
        CreateOutcome::Created(version) => Ok(version),
        other => Err(Failure::answer(format!("create answered {other:?}, due was CreateOutcome")).into()),
    }
}

#[track_caller]
pub(crate) fn updated(answer: UpdateOutcome) -> Outcome<Version> {
    match answer {
        UpdateOutcome::Updated(version) => Ok(version),
        other => Err(Failure::answer(format!("update answered {other:?}, due was UpdateOutcome")).into()),
    }
}

#[track_caller]
pub(crate) fn conflict(answer: UpdateOutcome) -> Outcome<VersionedRecord> {
    match answer {
        UpdateOutcome::Conflict(stored) => Ok(stored),
        other => Err(Failure::answer(format!("update answered {other:?}, due was Conflict")).into()),
    }
}

/// Fails unless a record is there.
#[track_caller]
pub(crate) fn there(answer: Option<VersionedRecord>) -> Outcome<VersionedRecord> {
    answer.ok_or_else(|| Failure::answer("the answer was no record, due was one").into())
}

/// Fails unless no record is there.
#[track_caller]
pub(crate) fn missing(answer: Option<VersionedRecord>) -> Outcome {
    match answer {
        None => Ok(()),
        Some(stored) => Err(Failure::answer(format!("the answer was {stored:?}, due was no record")).into()),
    }
}

/// Fails unless the answer is this record in this version.
#[track_caller]
pub(crate) fn holds(answer: Option<VersionedRecord>, record: &Record, version: Version) -> Outcome {
    let stored = there(answer)?;
    same_record(&stored.record, record)?;
    same("the version", &stored.version, &version)
}

/// Fails unless both records are the same to the byte.
#[track_caller]
pub(crate) fn same_record(answer: &Record, due: &Record) -> Outcome {
    same("the record", answer, due)?; // names expiry, owner and lengths; payloads do not print
    ensure(answer.payload == due.payload, "the payload has other bytes")
}

/// The entries by key.
pub(crate) type Seen = BTreeMap<StoreKey, VersionedRecord>;

/// Collects entries; a key may come twice only where records change meanwhile, so the last one counts.
pub(crate) fn by_key(entries: impl IntoIterator<Item = Entry>) -> Seen {
    entries.into_iter().map(|entry| (entry.key, entry.stored)).collect()
}
