//! What lists and scans return of a session.

use std::collections::HashMap;

use cloakroom_store::{Entry, OwnerKey, RecordHead, StoreKey, Timestamp, Version, VersionedRecord};

use crate::PublicId;
use crate::record::{Header, read_head};

/// What a list shows of a session's record.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) key: StoreKey,
    pub(crate) version: Version,
    pub(crate) header: Header,
    pub(crate) expires_at: Timestamp,
    pub(crate) user: Option<String>,
    /// When the log-in began.
    pub(crate) logged_in_at: Timestamp,
    pub(crate) device: Option<String>,
    /// The public id of the session that it belongs to: its own, or that of the listed one which it is to replace.
    session: [u8; 16],
    /// Whether it is to replace another listed record, which is the session until then.
    pub(crate) is_replacement: bool,
}

/// Finds the records that are to replace other listed ones.
pub(crate) fn mark_replacements(listed: &mut [Listed]) {
    if listed.iter().all(|record| record.header.replaces().is_none()) {
        return;
    }
    let sessions: HashMap<StoreKey, [u8; 16]> =
        listed.iter().map(|record| (record.key.clone(), record.session)).collect();
    for record in listed {
        if let Some(session) = record.header.replaces().and_then(|key| sessions.get(key)) {
            (record.session, record.is_replacement) = (*session, true);
        }
    }
}

impl Listed {
    /// Returns the public id of the session that the record belongs to.
    pub(crate) const fn session(&self) -> [u8; 16] {
        self.session
    }

    /// Reads a record; `None` if it is not a session, or cannot be read.
    pub(crate) fn read(entry: Entry) -> Option<Self> {
        let Entry { key, stored: VersionedRecord { record, version, .. }, .. } = entry;
        let (header, device) = read_head(&record.payload)?;
        let user =
            record.owner.as_ref().map(|owner| String::from_utf8_lossy(owner.key.as_bytes()).into_owned());
        let logged_in_at = record.owner.map_or(Timestamp::EPOCH, |owner| owner.logged_in_at);
        let session = header.public_id();
        let expires_at = record.expires_at;
        Some(Self {
            key,
            version,
            header,
            expires_at,
            user,
            logged_in_at,
            device,
            session,
            is_replacement: false,
        })
    }

    /// Reads what a list of the owner's records shows of one; `None` if it is not a session, or cannot be read.
    pub(crate) fn read_head(head: RecordHead, owner: &OwnerKey) -> Option<Self> {
        let (header, device) = read_head(&head.payload_head)?;
        let RecordHead { key, version, logged_in_at, expires_at, .. } = head;
        let user = Some(String::from_utf8_lossy(owner.as_bytes()).into_owned());
        let session = header.public_id();
        Some(Self {
            key,
            version,
            header,
            expires_at,
            user,
            logged_in_at,
            device,
            session,
            is_replacement: false,
        })
    }

    /// Returns whether this is the session of that public id.
    pub(crate) fn is_named(&self, public_id: &PublicId) -> bool {
        PublicId::new(self.session) == *public_id
    }
}
