//! Owners in a cluster: a record is listed in its owner's slot before it is written in its own.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Owner, OwnerKey, Result, StoreKey, Timestamp};

use crate::layout::{index_lifetime, member, moment};
use crate::records::code;
use crate::server::Effect;
use crate::store::Inner;

/// The result of listing a record.
pub(crate) enum Registered {
    /// The index has so many members.
    Members(i64),
    /// The owner was revoked since the record's log-in began.
    Revoked,
}

/// A member without a record may be one whose write is on its way; after an hour, it is not. A member that is listed again
/// may have been listed up to half an hour earlier by what the index says.
pub(crate) const ON_ITS_WAY: Duration = Duration::from_secs(90 * 60);

/// An index is tidied each time that it has got so many members.
const TIDY_EVERY: i64 = 32;

impl Inner {
    /// Puts `key` into the index of `owner`, which then lasts until `until` at least.
    pub(crate) async fn register(
        &self,
        key: &StoreKey,
        owner: &Owner,
        until: Timestamp,
    ) -> Result<Registered> {
        let (revocation, index) = (self.layout.revocation(&owner.key), self.layout.index(&owner.key));
        let (since, member, now) = (moment(owner.logged_in_at), member(key), self.now());
        let (listed_at, lasts) = (now.as_millis().to_string(), index_lifetime(now, until));
        let arguments = [since.as_bytes(), member.as_bytes(), listed_at.as_bytes(), lasts.as_bytes()];
        let register = &self.server.scripts.register;
        let answer =
            self.server.run(register, &[&revocation, &index], &arguments, Effect::WritesAgain).await?;
        Ok(match code(&answer)? {
            -1 => Registered::Revoked,
            count => Registered::Members(count),
        })
    }

    /// Forgets members of an index that are dead, now and then, in the background.
    pub(crate) fn tidy_sometimes(self: &Arc<Self>, owner: &OwnerKey, count: i64) {
        if count % TIDY_EVERY == 0 {
            let (store, owner) = (Arc::clone(self), owner.clone());
            // What fails now is done at the next time.
            tokio::spawn(async move { drop(store.tidy(&owner).await) });
        }
    }
}
