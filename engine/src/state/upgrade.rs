//! The write that brings a session to the version of this program, before a handler sees it.

use cloakroom_store::{Record, StoreKey, Timestamp, Version};

use super::{Intent, State, WorkingCopy};
use crate::config::Config;
use crate::record::{Frames, Header};

/// One write of the upgraded session, on condition that it was not changed meanwhile.
#[derive(Debug)]
pub(crate) struct UpgradeWrite {
    pub(crate) key: StoreKey,
    pub(crate) version: Version,
    pub(crate) record: Record,
    header: Header,
}

impl State {
    /// Returns whether something other than values was changed.
    pub(crate) fn is_more_than_values(&self) -> bool {
        !matches!(self.intent, Intent::Keep) || !self.header_changes.is_empty()
    }

    /// Leaves all flash values to the next request of the session's client.
    pub(crate) fn leave_flash_values(&mut self) {
        self.values.age_up_to(0);
        self.first_seen = 0;
    }

    /// Encodes the session as this program keeps it; `None` if it is not stored. No flash value has had its request by this.
    pub(crate) fn upgrade_write(
        &mut self,
        config: &Config,
        nonce: u64,
        now: Timestamp,
    ) -> Option<UpgradeWrite> {
        self.values.age_up_to(0);
        let located = self.location.stored()?;
        let mut header = located.header.clone();
        header.commit(nonce, now, config.lifetime.idle_of(&header));
        config.mark_schema(&mut header);
        let expires_at = config.lifetime.expires_at(&header, now);
        let record = Record::new(self.values.encode(&header), expires_at)
            .with_sliding(header.own_idle().is_none())
            .with_owner(located.owner.clone());
        Some(UpgradeWrite { key: located.key.clone(), version: located.version, record, header })
    }

    /// Notes that the upgraded session is in the store: the request begins with it.
    pub(crate) fn upgraded(&mut self, write: UpgradeWrite, version: Version) {
        let UpgradeWrite { record, header, .. } = write;
        let values = WorkingCopy::loaded(Frames::of(&record.payload, &header), header.number());
        let mut old = std::mem::replace(&mut self.values, values);
        self.trash.extend(old.discard());
        self.first_seen = header.number();
        self.idle_changed = false;
        if let Some(located) = self.location.stored_mut() {
            (located.version, located.header, located.expires_at) = (version, header, record.expires_at);
        }
    }
}
