//! What is sealed: values, and when the session began and ends.

use std::collections::BTreeMap;

use cloakroom::Timestamp;
use serde_json::value::RawValue;

/// Two moments, before the values.
pub(crate) const MOMENTS: usize = 16;

/// The contents of a session.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    pub(crate) begun_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// JSON by key, as it was written.
    pub(crate) values: BTreeMap<String, Box<RawValue>>,
}

impl Contents {
    pub(crate) fn new(begun_at: Timestamp, expires_at: Timestamp) -> Self {
        Self { begun_at, expires_at, values: BTreeMap::new() }
    }

    /// Returns the values as one JSON object, which is what takes room.
    pub(crate) fn json(values: &BTreeMap<String, Box<RawValue>>) -> String {
        // Names and JSON are always JSON.
        serde_json::to_string(values).unwrap_or_default()
    }

    /// Writes what is sealed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let json = Self::json(&self.values);
        let mut bytes = Vec::with_capacity(MOMENTS + json.len());
        for moment in [self.begun_at, self.expires_at] {
            bytes.extend_from_slice(&moment.as_micros().to_le_bytes());
        }
        bytes.extend_from_slice(json.as_bytes());
        bytes
    }

    /// Reads what was sealed; `None` if a release with another format wrote it.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (begun_at, bytes) = bytes.split_first_chunk::<8>()?;
        let (expires_at, json) = bytes.split_first_chunk::<8>()?;
        let moment = |bytes: &[u8; 8]| Timestamp::from_micros(u64::from_le_bytes(*bytes));
        let values = serde_json::from_slice(json).ok()?;
        Some(Self { begun_at: moment(begun_at), expires_at: moment(expires_at), values })
    }
}
