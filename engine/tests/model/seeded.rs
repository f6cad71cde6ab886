//! Stores that break the contract. The model would be worth nothing if it took them for good ones.

use std::sync::Arc;

use cloakroom::Timestamp;
use cloakroom::store::{
    Capabilities, CreateOutcome, Cursor, HeadPage, OwnerKey, Owners, Record, Result, Store, StoreKey, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};
use proptest::strategy::{Just, Strategy};

use crate::random::{foul_weather, tried};
use crate::script::{Case, Rules, Step::*};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// An update writes over whatever version there is.
    VersionsAreIgnored,
    /// An update makes a record of nothing.
    UpdatesCreate,
    /// What is to be taken back stays.
    DeletesAreForgotten,
    /// What ends by an update to an expired record stays.
    EndsAreForgotten,
    /// A revocation removes what is there, and lets in what began before it.
    RevocationsLeaveNoMark,
    /// Neither a load nor a touch moves the expiry.
    TouchesAreForgotten,
    /// A write is acknowledged and not made.
    WritesAreForgotten,
}

/// A good store behind one that is not.
#[derive(Debug)]
pub(crate) struct Seeded {
    pub(crate) wrong: Wrong,
    pub(crate) store: Arc<dyn Store>,
}

impl Seeded {
    /// The version that is there, for an update that does not care for the one expected.
    async fn present(&self, key: &StoreKey, expected: Version) -> Result<Version> {
        let stored = self.store.load(key, None).await?;
        Ok(stored.map_or(expected, |stored| stored.version))
    }
}

#[async_trait]
impl Store for Seeded {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let touch = touch.filter(|_| self.wrong != Wrong::TouchesAreForgotten);
        self.store.load(key, touch).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.store.create(key, record).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        let ends = record.expires_at == Timestamp::EPOCH;
        match self.wrong {
            Wrong::EndsAreForgotten if ends => Ok(UpdateOutcome::Updated(expected)),
            Wrong::WritesAreForgotten if !ends => Ok(UpdateOutcome::Updated(expected)),
            Wrong::VersionsAreIgnored => {
                let present = self.present(key, expected).await?;
                self.store.update(key, present, record).await
            }
            Wrong::UpdatesCreate => match self.store.update(key, expected, record).await? {
                UpdateOutcome::NotFound => match self.store.create(key, record).await? {
                    CreateOutcome::Created(version) => Ok(UpdateOutcome::Updated(version)),
                    CreateOutcome::AlreadyExists | CreateOutcome::Revoked => Ok(UpdateOutcome::NotFound),
                },
                answer => Ok(answer),
            },
            _ => self.store.update(key, expected, record).await,
        }
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        match self.wrong {
            Wrong::TouchesAreForgotten => Ok(self.store.load(key, None).await?.is_some()),
            _ => self.store.touch(key, expires_at).await,
        }
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        match self.wrong {
            Wrong::DeletesAreForgotten => self.store.load(key, None).await,
            _ => self.store.delete(key).await,
        }
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_owners(self)
    }
}

#[async_trait]
impl Owners for Seeded {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        self.owners().list(owner, after, limit).await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        if self.wrong != Wrong::RevocationsLeaveNoMark {
            return self.owners().revoke(owner, at).await;
        }
        let heads = self.owners().list(owner, None, HeadPage::MOST).await?.heads;
        for head in &heads {
            self.store.delete(&head.key).await?;
        }
        Ok(heads.len() as u64)
    }
}

impl Seeded {
    fn owners(&self) -> &dyn Owners {
        self.store.capabilities().owners.expect("the stores under test have owners")
    }
}

/// Expects the model to find out what is wrong, and soon.
fn is_found_out(wrong: Wrong) {
    is_found_out_by(wrong, foul_weather());
}

fn is_found_out_by(wrong: Wrong, cases: impl Strategy<Value = Case>) {
    let cases = cases.prop_map(move |case: Case| {
        let rules = Rules { wrong: Some(wrong), ..case.rules };
        Case { rules, ..case }
    });
    assert!(tried(2_500, cases, 0).is_err(), "no run noticed that {wrong:?}");
}

#[test]
fn a_store_that_ignores_versions_is_found_out() {
    is_found_out(Wrong::VersionsAreIgnored);
}

#[test]
fn a_store_whose_updates_create_is_found_out() {
    is_found_out(Wrong::UpdatesCreate);
}

#[test]
fn a_store_that_forgets_what_is_to_be_taken_back_is_found_out() {
    is_found_out(Wrong::DeletesAreForgotten);
}

#[test]
fn a_store_that_forgets_to_end_sessions_is_found_out() {
    is_found_out(Wrong::EndsAreForgotten);
}

#[test]
fn a_store_that_lets_in_what_was_revoked_is_found_out() {
    is_found_out(Wrong::RevocationsLeaveNoMark);
}

#[test]
fn a_store_that_does_not_touch_is_found_out() {
    let requests = vec![vec![ReadAll], vec![ReadAll]];
    let leaps = vec![20 * 60, 20 * 60];
    let before = vec![vec![Increment]];
    let case = Case { before, requests, leaps, sent_one_by_one: true, ..Case::default() };
    is_found_out_by(Wrong::TouchesAreForgotten, Just(case));
}

#[test]
fn a_store_that_forgets_writes_is_found_out() {
    is_found_out(Wrong::WritesAreForgotten);
}
