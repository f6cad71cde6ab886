//! Rows c1 to c4: what stores can do. Row c6, several processes, is with the stores that allow it.

use std::path::{Path, PathBuf};

use cloakroom::store::{CreateOutcome, Record, Store, StoreKey, Timestamp, UpdateOutcome};
use cloakroom_races::{Kind, Stand, races};
use cloakroom_tower::Session;

races! {
    @owned
    c1_records_are_got_set_touched_destroyed_listed_counted_and_cleared,
}

async fn c1_records_are_got_set_touched_destroyed_listed_counted_and_cleared(kind: Kind) {
    let stand = Stand::new(kind).await;
    let (store, key) = (&stand.store, StoreKey::from_bytes(b"of a row").unwrap());
    let later = Timestamp::from_millis(1_900_000_000_000);
    let record = |payload: &'static str| Record::new(payload, Timestamp::from_millis(1_800_000_060_000));
    let CreateOutcome::Created(version) = store.create(&key, &record("one")).await.unwrap() else { panic!() };
    assert!(matches!(store.update(&key, version, &record("two")).await.unwrap(), UpdateOutcome::Updated(_)));
    assert!(store.touch(&key, later).await.unwrap());
    let got = store.load(&key, None).await.unwrap().unwrap().record;
    assert_eq!((&got.payload[..], got.expires_at), (&b"two"[..], later));

    stand.guest().await;
    let scan = store.capabilities().scan.unwrap();
    assert_eq!((scan.count().await.unwrap(), stand.store.records().await.len()), (2, 2));
    assert_eq!(store.delete(&key).await.unwrap().unwrap().record, got);
    assert_eq!(store.load(&key, None).await.unwrap(), None);
    assert_eq!((scan.clear().await.unwrap(), scan.count().await.unwrap()), (1, 0));
}

/// The files of records, in the folder of a file store.
fn records(folder: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(folder.join("records/records")).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c3_a_missing_file_is_a_missing_session_and_no_error() {
    let stand = Stand::new(Kind::File).await;
    let (mut guest, writer) = (stand.guest().await, stand.guest().await);
    let held = writer.hold(|session| session.insert("hat", "blue")).await;
    for file in records(stand.folder()) {
        std::fs::remove_file(file).unwrap();
    }
    assert!(!guest.is_known().await);
    assert!(held.release().await.ok().leaves_cookie(), "its session has ended");
    guest.run(async |session: Session| Ok(session.insert("hat", "blue")?)).await.ok();
    assert_eq!(guest.read::<String>("hat").await.as_deref(), Some("blue"));
    assert_eq!(records(stand.folder()).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_a_folder_of_files_is_swept_of_what_was_idle_too_long() {
    let stand = Stand::new(Kind::File).await;
    for _ in 0..5 {
        stand.guest().await;
    }
    stand.wait(20 * 60);
    let alive = stand.guest().await;
    assert_eq!((stand.engine.sweep().await.unwrap(), records(stand.folder()).len()), (0, 6));
    stand.wait(10 * 60);
    assert_eq!((stand.engine.sweep().await.unwrap(), records(stand.folder()).len()), (5, 1));
    assert!(alive.is_known().await);
}
