//! Records that hold a number.

use cloakroom_store::{CreateOutcome, Record, StoreKey, Timestamp, Version};

/// Returns the key of that number.
pub fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

/// Makes a record that holds a number, in a kilobyte.
pub fn holding(number: u64) -> Record {
    let mut payload = vec![0; 1024];
    payload[..8].copy_from_slice(&number.to_be_bytes());
    Record::new(payload, Timestamp::NEVER)
}

/// Returns the number that a record holds.
pub fn held(record: &Record) -> u64 {
    u64::from_be_bytes(record.payload[..8].try_into().unwrap())
}

/// Returns the version of a record that was created.
pub fn created(answer: CreateOutcome) -> Version {
    match answer {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}
