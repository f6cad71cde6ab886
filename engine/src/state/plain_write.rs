//! The usual commit: values have changed, and the session is neither renewed nor ended.

use cloakroom_store::{Record, StoreKey, Timestamp, Version};

use super::{Cookie, HeaderChanges, Intent, Landed, Located, Location, Saving, State};
use crate::SessionId;
use crate::config::Config;
use crate::lifetime::Lifetime;
use crate::record::{Frames, Header};

/// One write that stores all that a request changed.
#[derive(Debug)]
pub(crate) struct PlainWrite {
    pub(crate) key: StoreKey,
    /// The version that it replaces; `None` for a session that is not stored yet.
    pub(crate) version: Option<Version>,
    pub(crate) record: Record,
    pub(crate) header: Header,
    /// The id of a new session.
    id: Option<SessionId>,
    pub(super) nonce: u64,
    pub(super) sent: usize,
    intent_revision: u32,
    values_revision: u32,
}

impl State {
    /// Returns whether nothing but values was changed, as far as a plain write goes.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.intent, Intent::Keep)
            && self.landed.is_none()
            && matches!(self.location, Location::Absent | Location::Stored(_))
    }

    /// Encodes the session for a plain write; `None` if it takes a commit, if only for its error.
    pub(crate) fn plain_write(&mut self, config: &Config, nonce: u64, now: Timestamp) -> Option<PlainWrite> {
        if !self.is_plain() {
            return None;
        }
        let mut header = self.known_header()?;
        header.commit(nonce, now, config.lifetime.idle_of(&header));
        config.mark_schema(&mut header);
        let (key, version, owner, id) = match &self.location {
            Location::Stored(located) => {
                (located.key.clone(), Some(located.version), located.owner.clone(), None)
            }
            _ => {
                header.set_renewed_at(now);
                let id = self.next_id()?;
                (id.key(), None, None, Some(id.clone()))
            }
        };
        let payload = self.values.encode(&header);
        if payload.len() > config.max_size {
            return None;
        }
        let expires_at = config.lifetime.expires_at(&header, now);
        let record =
            Record::new(payload, expires_at).with_sliding(header.own_idle().is_none()).with_owner(owner);
        let (intent_revision, values_revision) = (self.intent_revision, self.values_revision);
        let sent = self.values.send();
        Some(PlainWrite { key, version, record, header, id, nonce, sent, intent_revision, values_revision })
    }

    /// Notes that a plain write is in the store. `false` if a handler discarded changes meanwhile: the next commit
    /// then loads the record again.
    pub(crate) fn plainly_written(
        &mut self,
        write: &PlainWrite,
        version: Version,
        lifetime: &Lifetime,
        now: Timestamp,
    ) -> bool {
        if self.values_revision != write.values_revision {
            self.note_sent(write.nonce, 0);
            return false;
        }
        let PlainWrite { key, record, header, id, sent, .. } = write;
        self.landed = Some(Landed { frames: Frames::of(&record.payload, header), sent: *sent });
        if let Some(id) = id {
            self.cookie = Cookie::Set(id.clone(), lifetime.cookie(header, now));
        }
        match &mut self.location {
            Location::Stored(located) => {
                (located.version, located.expires_at) = (version, record.expires_at);
                located.header.clone_from(header);
            }
            location => {
                let Some(id) = id.clone() else { return false };
                let (key, header, owner) = (key.clone(), header.clone(), record.owner.clone());
                let expires_at = record.expires_at;
                let located = Located { id, key, version, header, expires_at, owner, redirected: false };
                *location = Location::Stored(located);
            }
        }
        if self.intent_revision == write.intent_revision {
            self.header_changes = HeaderChanges::default();
            (self.must_exist, self.touch, self.idle_changed) = (false, false, false);
            self.saving.is_done();
        }
        true
    }

    /// Returns whether there are changes that no commit has stored.
    pub(crate) fn holds_unsaved_changes(&self) -> bool {
        if self.saving == Saving::Never {
            return self.intent.is_end();
        }
        let stored = self.landed.as_ref().map_or(0, |landed| landed.sent);
        self.values.len() > stored || !self.header_changes.is_empty() || !matches!(self.intent, Intent::Keep)
    }
}
