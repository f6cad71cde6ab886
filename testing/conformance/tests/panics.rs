//! A store that panics fails its cases, and does not take the program with it.

use cloakroom_conformance::{FailureKind, ManualHarness, cases};
use cloakroom_store::{
    Capabilities, CreateOutcome, Record, Result, Store, StoreKey, Timestamp, Touch, UpdateOutcome, Version,
    VersionedRecord, async_trait,
};

#[derive(Debug)]
struct Panics;

#[async_trait]
impl Store for Panics {
    async fn load(&self, _: &StoreKey, _: Option<Touch>) -> Result<Option<VersionedRecord>> {
        panic!("load")
    }
    async fn create(&self, _: &StoreKey, _: &Record) -> Result<CreateOutcome> {
        panic!("create")
    }
    async fn update(&self, _: &StoreKey, _: Version, _: &Record) -> Result<UpdateOutcome> {
        panic!("update")
    }
    async fn touch(&self, _: &StoreKey, _: Timestamp) -> Result<bool> {
        panic!("touch")
    }
    async fn delete(&self, _: &StoreKey) -> Result<Option<VersionedRecord>> {
        panic!("delete")
    }
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
    }
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    for name in ["delete_twice_is_fine", "of_any_number_of_creates_at_once_one_wins"] {
        let case = cases().iter().find(|case| case.name() == name).unwrap();
        let failure = case.run(&ManualHarness::new(|_| Panics)).await.unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Panic);
    }
}
