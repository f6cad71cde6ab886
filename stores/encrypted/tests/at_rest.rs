//! What is in the store, who can read it, and what happens to what cannot be read.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use cloakroom_conformance::Reference;
use cloakroom_encrypted::{Builder, EncryptedStore, SealingKeys};
use cloakroom_sqlite::SqliteStore;
use cloakroom_store::{
    CreateOutcome, ErrorKind, ManualClock, Owner, OwnerKey, Owners, Record, RecordHead, Store, StoreKey,
    Timestamp, UpdateOutcome, VersionedRecord,
};

const OLD: &str = "the quick brown fox jumps over the lazy dog";
const NEW: &str = "pack my box with five dozen liquor jugs, now";
const NAMES: &str = "sphinx of black quartz, judge my vow, please";

const VALUE: &str = "a green coat, size 48";
const HERE: StoreKey = StoreKey::from_hash([7; 32]);
const THERE: StoreKey = StoreKey::from_hash([8; 32]);

fn keys() -> SealingKeys {
    SealingKeys::new([OLD]).unwrap()
}

fn plain() -> Reference {
    Reference::new(ManualClock::at(Timestamp::from_micros(1_000)))
}

fn hiding(inner: Reference) -> Builder<Reference> {
    EncryptedStore::builder(inner, keys()).hide_owners(NAMES).unwrap()
}

fn alice() -> OwnerKey {
    OwnerKey::new("alice").unwrap()
}

fn of_alice() -> Record {
    let owner = Owner::new(alice(), Timestamp::from_micros(1_000));
    Record::new(VALUE, Timestamp::NEVER).with_owner(owner)
}

async fn kept(store: &impl Store, key: &StoreKey) {
    assert!(matches!(store.create(key, &of_alice()).await.unwrap(), CreateOutcome::Created(_)));
}

async fn found(store: &impl Store, key: &StoreKey) -> VersionedRecord {
    store.load(key, None).await.unwrap().unwrap()
}

async fn refused(store: &impl Store, key: &StoreKey) -> ErrorKind {
    store.load(key, None).await.unwrap_err().kind()
}

async fn listed(store: &impl Store) -> Vec<RecordHead> {
    let (owners, mut heads, mut after) = (store.capabilities().owners.unwrap(), Vec::new(), None);
    loop {
        let page = owners.list(&alice(), after.as_ref(), 1).await.unwrap();
        heads.extend(page.heads);
        after = page.next;
        if after.is_none() {
            return heads;
        }
    }
}

/// Reads the files of a folder as one text.
fn dump(folder: &std::path::Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

fn has(dump: &[u8], text: &str) -> bool {
    dump.windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

#[tokio::test]
async fn b14_r31_a_stolen_dump_of_the_store_shows_no_value_and_no_user() {
    for is_sealed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteStore::open(folder.path().join("sessions.db")).await.unwrap();
        if is_sealed {
            let store = EncryptedStore::builder(file, keys()).hide_owners(NAMES).unwrap().build();
            kept(&store, &HERE).await;
            assert_eq!(found(&store, &HERE).await.record, of_alice());
        } else {
            kept(&file, &HERE).await;
        }
        let dump = dump(folder.path());
        assert_eq!([has(&dump, VALUE), has(&dump, "alice")], [!is_sealed; 2], "sealed: {is_sealed}");
    }
}

#[tokio::test]
async fn r31_a_record_that_was_moved_to_another_key_or_user_is_refused_and_stays() {
    let inner = plain();
    let store = hiding(inner.clone()).build();
    kept(&store, &HERE).await;
    let sealed = found(&inner, &HERE).await;
    let mut of_bob = sealed.record.clone();
    of_bob.owner.as_mut().unwrap().key = OwnerKey::new("bob").unwrap();
    let _moved = inner.create(&THERE, &sealed.record).await.unwrap();
    let _changed = inner.update(&HERE, sealed.version, &of_bob).await.unwrap();
    for (key, due) in [(THERE, sealed.record), (HERE, of_bob)] {
        assert_eq!(refused(&store, &key).await, ErrorKind::Corrupt);
        assert_eq!(store.delete(&key).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(found(&inner, &key).await.record, due, "it stays as it is");
    }
}

#[tokio::test]
async fn a_plain_record_is_refused_unless_it_is_accepted_and_stays() {
    let inner = plain();
    kept(&inner, &HERE).await;
    let store = EncryptedStore::new(inner.clone(), keys());
    assert_eq!(refused(&store, &HERE).await, ErrorKind::Corrupt);
    let scan = store.capabilities().scan.unwrap();
    assert_eq!(scan.scan(None, 10).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let list = store.capabilities().owners.unwrap().list(&alice(), None, 10).await;
    assert_eq!(list.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(found(&inner, &HERE).await.record, of_alice());
    let accepting = EncryptedStore::builder(inner, keys()).accept_plain(true).build();
    assert_eq!(found(&accepting, &HERE).await.record, of_alice());
}

#[tokio::test]
async fn r32_a_record_whose_key_is_missing_is_an_error_for_an_operator_and_is_not_lost() {
    let inner = plain();
    kept(&EncryptedStore::new(inner.clone(), keys()), &HERE).await;
    let sealed = found(&inner, &HERE).await;
    let stranger = EncryptedStore::new(inner.clone(), SealingKeys::new([NEW]).unwrap());
    assert_eq!(refused(&stranger, &HERE).await, ErrorKind::Setup);
    assert_eq!(stranger.delete(&HERE).await.unwrap_err().kind(), ErrorKind::Setup);
    let stale = found(&inner, &HERE).await.version;
    let _other = inner.update(&HERE, stale, &sealed.record).await.unwrap();
    let conflict = stranger.update(&HERE, stale, &of_alice()).await.unwrap_err();
    assert_eq!((conflict.kind(), conflict.is_uncertain()), (ErrorKind::Setup, false));
    let text = format!("{conflict} {conflict:?}");
    assert!(text.contains("not among the keys") && !text.contains(NEW), "{text}");
    assert_eq!(found(&inner, &HERE).await.record, sealed.record);
}

#[tokio::test]
async fn r32_keys_rotate_in_two_processes_and_no_record_is_unreadable_meanwhile() {
    let (inner, a, b) = (plain(), keys(), keys());
    let (one, other) =
        (EncryptedStore::new(inner.clone(), a.clone()), EncryptedStore::new(inner.clone(), b.clone()));
    kept(&one, &HERE).await;
    let both_read_what_one_writes = || async {
        let version = found(&one, &HERE).await.version;
        assert!(matches!(one.update(&HERE, version, &of_alice()).await.unwrap(), UpdateOutcome::Updated(_)));
        assert_eq!(found(&other, &HERE).await.record, of_alice());
    };
    for step in [
        |keys: &SealingKeys| keys.add_for_opening(NEW).unwrap(),
        |keys: &SealingKeys| keys.rotate(NEW).unwrap(),
        |keys: &SealingKeys| keys.retire(),
    ] {
        step(&a);
        both_read_what_one_writes().await;
        step(&b);
        both_read_what_one_writes().await;
    }
    let by_new = EncryptedStore::new(inner, SealingKeys::new([NEW]).unwrap());
    assert_eq!(found(&by_new, &HERE).await.record, of_alice());
}

/// The three deployments that the front page describes, each with a process of the one before beside it.
#[tokio::test]
async fn encryption_is_introduced_and_removed_under_traffic_without_losing_a_session() {
    let inner = plain();
    let begins = || hiding(inner.clone()).seal_writes(false).build();
    let seals = || hiding(inner.clone()).accept_plain(true).build();
    let done = || hiding(inner.clone()).build();
    kept(&inner, &HERE).await;
    for (before, after) in [
        (Box::new(inner.clone()) as Box<dyn Store>, begins()),
        (Box::new(begins()), seals()),
        (Box::new(seals()), done()),
        (Box::new(done()), seals()),
        (Box::new(seals()), begins()),
    ] {
        for writer in [&*before as &dyn Store, &after] {
            let version = before.load(&HERE, None).await.unwrap().unwrap().version;
            let written = writer.update(&HERE, version, &of_alice()).await.unwrap();
            assert!(matches!(written, UpdateOutcome::Updated(_)));
            assert_eq!(before.load(&HERE, None).await.unwrap().unwrap().record, of_alice());
            assert_eq!(found(&after, &HERE).await.record, of_alice());
            assert_eq!(listed(&after).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn while_names_are_being_hidden_a_user_is_found_and_revoked_under_both() {
    let inner = plain();
    let store = hiding(inner.clone()).accept_plain(true).build();
    kept(&inner, &THERE).await;
    kept(&store, &HERE).await;
    let mut heads: Vec<_> =
        listed(&store).await.into_iter().map(|head| (head.key, head.payload_head)).collect();
    heads.sort();
    assert_eq!(heads, [(HERE, VALUE.into()), (THERE, VALUE.into())]);
    let owners: &dyn Owners = store.capabilities().owners.unwrap();
    assert_eq!(owners.revoke(&alice(), Timestamp::from_micros(1_000)).await.unwrap(), 2);
    assert_eq!(store.create(&HERE, &of_alice()).await.unwrap(), CreateOutcome::Revoked);
    assert_eq!(inner.create(&THERE, &of_alice()).await.unwrap(), CreateOutcome::Revoked);
}

#[tokio::test]
async fn a_list_has_a_record_that_is_sealed_between_two_pages() {
    let inner = plain();
    let store = hiding(inner.clone()).accept_plain(true).build();
    kept(&inner, &HERE).await;
    let owners = store.capabilities().owners.unwrap();
    let first = owners.list(&alice(), None, 10).await.unwrap();
    let version = found(&store, &HERE).await.version;
    assert!(matches!(store.update(&HERE, version, &of_alice()).await.unwrap(), UpdateOutcome::Updated(_)));
    let second = owners.list(&alice(), first.next.as_ref(), 10).await.unwrap();
    assert!(first.heads.iter().chain(&second.heads).any(|head| head.key == HERE));
}

#[tokio::test]
async fn a_payload_over_the_bound_is_refused_before_it_is_sealed() {
    let store = EncryptedStore::builder(plain(), keys()).max_payload_bytes(VALUE.len() - 1).build();
    assert_eq!(store.create(&HERE, &of_alice()).await.unwrap_err().kind(), ErrorKind::TooLarge);
    let store = EncryptedStore::builder(plain(), keys()).max_payload_bytes(VALUE.len()).build();
    kept(&store, &HERE).await;
}

/// What is written as it is must be read as it is.
#[tokio::test]
async fn a_plain_payload_that_looks_sealed_is_not_written() {
    let store = EncryptedStore::builder(plain(), keys()).seal_writes(false).build();
    let record = Record::new([0xe5, 0x73, 0x6c, 1].to_vec(), Timestamp::NEVER);
    assert_eq!(store.create(&HERE, &record).await.unwrap_err().kind(), ErrorKind::Invalid);
    let store = EncryptedStore::new(plain(), keys());
    let _created = store.create(&HERE, &record).await.unwrap();
    assert_eq!(found(&store, &HERE).await.record, record);
}

#[tokio::test]
async fn a_touch_moves_the_expiry_of_a_sealed_record() {
    let store = EncryptedStore::new(plain(), keys());
    let soon = Timestamp::from_micros(1_000) + Duration::from_secs(60);
    let _created = store.create(&HERE, &Record::new(VALUE, soon)).await.unwrap();
    assert!(store.touch(&HERE, soon + Duration::from_secs(60)).await.unwrap());
    let record = found(&store, &HERE).await.record;
    assert_eq!((record.payload, record.expires_at), (VALUE.into(), soon + Duration::from_secs(60)));
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", hiding(plain()).build());
    assert!(
        shown.contains("SealingKeys(1 keys)") && !shown.contains(OLD) && !shown.contains(NAMES),
        "{shown}"
    );
}
