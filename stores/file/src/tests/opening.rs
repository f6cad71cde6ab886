//! Which folders are accepted, and the errors for all others.

use std::fs;

use cloakroom_store::{CreateOutcome, Error, ErrorKind, OwnerKey, Owners, Record, Scan, Store, Timestamp};

use super::{HOUR, START, key, record};
use crate::FileStore;

async fn refusal(path: &std::path::Path) -> Error {
    FileStore::open(path).await.unwrap_err()
}

#[tokio::test]
async fn a_folder_with_other_files_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "x").unwrap();
    let error = refusal(dir.path()).await;
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn an_empty_folder_and_a_new_disk_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    FileStore::open(dir.path()).await.unwrap();
    FileStore::open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_file_in_the_place_of_the_folder_is_a_setup_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "x").unwrap();
    assert_eq!(refusal(&path).await.kind(), ErrorKind::Setup);
    assert_eq!(refusal(&path.join("below")).await.kind(), ErrorKind::Setup);
    assert_eq!(refusal(&dir.path().join("no/parent")).await.kind(), ErrorKind::Setup);
}

#[tokio::test]
async fn a_folder_of_a_later_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("cloakroom"), "cloakroom file store, format 2\n").unwrap();
    assert_eq!(refusal(dir.path()).await.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_folder_that_went_away_is_an_error_and_not_an_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = FileStore::open(&root).await.unwrap();
    fs::rename(&root, dir.path().join("elsewhere")).unwrap();
    let error = store.load(&key("k"), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(!error.is_uncertain());
}

#[tokio::test]
async fn a_folder_that_is_deleted_is_noticed_by_every_operation() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    for again in [false, true] {
        let store = FileStore::open(&root).await.unwrap();
        let CreateOutcome::Created(version) = store.create(&key("k"), &record("coat")).await.unwrap() else {
            panic!()
        };
        fs::remove_dir_all(&root).unwrap();
        if again {
            fs::create_dir(&root).unwrap();
        }
        let errors = [
            store.create(&key("l"), &record("hat")).await.unwrap_err(),
            store.load(&key("k"), None).await.unwrap_err(),
            store.update(&key("k"), version, &record("hat")).await.unwrap_err(),
            store.touch(&key("k"), START + HOUR).await.unwrap_err(),
            store.delete(&key("k")).await.unwrap_err(),
            store.count().await.unwrap_err(),
            store.revoke(&OwnerKey::new("alice").unwrap(), START).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Setup, "{error}");
        }
        assert!(!root.join("records").exists(), "something was made");
    }
}

#[test]
fn without_a_runtime_opening_is_an_error_and_not_a_panic() {
    let opening = std::pin::pin!(FileStore::open("/nowhere"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = opening.poll(&mut context) else { panic!("no answer") };
    assert_eq!(error.kind(), ErrorKind::Setup);
}

#[cfg(unix)]
#[tokio::test]
async fn no_other_user_may_read_a_file_or_enter_a_folder() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::open(dir.path().join("store")).await.unwrap();
    let _created = store.create(&key("k"), &super::alices("coat")).await.unwrap();
    store.capabilities().owners.unwrap().revoke(&super::alice(), super::START).await.unwrap();
    let mut waiting = vec![dir.path().join("store")];
    let mut files = 0;
    while let Some(path) = waiting.pop() {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files += 1;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    assert!(files >= 4, "{files}");
}

#[tokio::test]
async fn no_key_owner_or_payload_is_in_a_path_a_debug_or_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::builder(dir.path()).max_payload_bytes(10).build().await.unwrap();
    let secret = key("secret-id");
    let _created = store.create(&secret, &super::alices("coat")).await.unwrap();
    fs::write(store.folder.record(&super::name(&secret)), "secret-payload").unwrap();
    let said = [
        format!("{store:?}"),
        format!("{:?}", store.load(&secret, None).await.unwrap_err()),
        format!("{:?}", store.create(&secret, &super::record("secret-payload")).await.unwrap_err()),
        format!("{:?}", store.folder.record(&super::name(&secret))),
    ];
    assert!(said.iter().all(|said| !said.contains("secret") && !said.contains("alice")), "{said:?}");
}

#[tokio::test]
async fn many_more_writes_than_turns_all_get_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::builder(dir.path()).durability(super::Durability::Process).build().await.unwrap();
    let record = Record::new("coat", Timestamp::NEVER);
    let writes: Vec<_> = (0..crate::turns::ALL * 4)
        .map(|n| {
            let (store, record) = (store.clone(), record.clone());
            tokio::spawn(async move { store.create(&key(&format!("k{}", n % 100)), &record).await })
        })
        .collect();
    let mut created = 0;
    for write in writes {
        created += usize::from(matches!(write.await.unwrap().unwrap(), CreateOutcome::Created(_)));
    }
    assert_eq!((created, store.turns.free()), (100, crate::turns::ALL));
}
