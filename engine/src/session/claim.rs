//! Values that only one request may have.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::values::{LOOKS, changes_all_the_time};
use super::{Session, from_json};
use crate::key::KeyOf;
use crate::state::{Change, Claim, Effect, Op, Target};
use crate::{ErrorKind, Result};

/// # One-time values
impl Session {
    /// Takes a value that only one request may have: a download's permission, a code that counts once.
    ///
    /// Removes the value, saves, and returns it only if it was this very request that removed it. Of any number of parallel
    /// requests exactly one gets it; the others get what was set since, or `None`. The other changes of this request are
    /// saved too.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let engine = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = engine.begin(&PlainRequest::default()).load().await?;
    /// session.insert("voucher", "TEN-OFF")?;
    /// assert_eq!(session.claim::<String>("voucher").await?.as_deref(), Some("TEN-OFF"));
    /// assert_eq!(session.claim::<String>("voucher").await?, None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`get`](Self::get) and [`save`](Self::save). No request has got the value then, and it is still there, unless
    /// the answer of the store was lost and the removal had reached it. The same holds if the future is dropped.
    pub async fn claim<T: DeserializeOwned>(&self, key: impl KeyOf<T>) -> Result<Option<T>> {
        let target = Target::key(key.name());
        let is_lenient = key.is_lenient();
        match self.claim_at(&target).await {
            Err(error) if is_lenient && error.kind() == ErrorKind::Decode => Ok(None),
            claimed => claimed,
        }
    }

    pub(super) async fn claim_at<T: DeserializeOwned>(&self, target: &Target) -> Result<Option<T>> {
        let mut looks = 0;
        while looks < LOOKS {
            let Some(json) = self.values(|values| values.get_stored_at(target)) else { return Ok(None) };
            // A value of another type stays.
            if self.read::<T>(target.name(), target.text(), &json)?.is_none() {
                return Ok(None);
            }
            let claim = Claim::new(json.clone());
            let change = Change::at(target.clone(), Op::Claim(claim.clone()));
            if self.apply(change)? != Effect::Existed(true) {
                looks += 1;
                continue;
            }
            let pending = Pending { session: self, target, claim: &claim };
            self.0.save().await?;
            // It is saved: nothing to withdraw.
            std::mem::forget(pending);
            if claim.is_taken() {
                return from_json(target.text(), &json).map(Some);
            }
            // Whenever this fails, another request has made progress.
            looks = 0;
        }
        Err(changes_all_the_time(target))
    }
}

/// A claim that is not saved yet. Dropped, it is withdrawn: the value must not disappear without a request that gets it.
struct Pending<'a> {
    session: &'a Session,
    target: &'a Target,
    claim: &'a Arc<Claim>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.session.values(|values| values.withdraw(self.target, self.claim));
    }
}
