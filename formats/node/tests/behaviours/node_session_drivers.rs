//! The drivers of node-session: where its bodies are, and their encryption.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use cloakroom::SessionManager;
use cloakroom::store::{BodyStore as _, ManualClock, Timestamp};
use cloakroom_node::node_session::Encrypter;
use cloakroom_node::{Express, FileBodies, FileLayout, MemoryBodies, NodeSession};

use crate::stage::{Browser, SECRET, Stage};

const BODY: &[u8] = br#"{"_token":"abc","views":1,"flash":{"old":[],"new":[]}}"#;

#[tokio::test]
async fn n2_what_is_written_to_a_file_is_read() {
    let (folder, id) = (tempfile::tempdir().unwrap(), "a".repeat(40));
    let bodies = FileBodies::open(folder.path(), FileLayout::node_session()).await.unwrap();
    assert!(bodies.insert(&id, BODY, Timestamp::NEVER).await.unwrap().is_some());
    assert_eq!(&*bodies.read(&id).await.unwrap().unwrap().bytes, BODY);
    assert_eq!(fs::read(folder.path().join(&id)).unwrap(), BODY, "the file is what node-session reads");
}

#[tokio::test]
async fn n3_a_file_that_was_removed_is_not_read() {
    let (folder, id) = (tempfile::tempdir().unwrap(), "a".repeat(40));
    let bodies = FileBodies::open(folder.path(), FileLayout::node_session()).await.unwrap();
    fs::write(folder.path().join(&id), BODY).unwrap();
    bodies.end(&id, None).await.unwrap();
    assert_eq!(bodies.read(&id).await.unwrap(), None);
    assert!(!folder.path().join(&id).exists());
}

/// Opens the files of a test's own folder, with a clock that the test moves.
async fn files(layout: FileLayout) -> (tempfile::TempDir, ManualClock, FileBodies) {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::at(NOW));
    let bodies = FileBodies::open_with_clock(folder.path(), layout, clock.clone()).await.unwrap();
    (folder, clock, bodies)
}

/// What a process without Node does now and then; returns how many files are left.
async fn sweep(folder: &Path, engine: &SessionManager) -> (u64, usize) {
    let swept = engine.sweep().await.unwrap();
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    (swept, entries.filter(|name| !name.to_string_lossy().starts_with('.')).count())
}

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn n4_files_that_are_too_old_are_removed_and_others_are_not() {
    let (folder, clock, bodies) = files(FileLayout::node_session()).await;
    let [old, used, read] = ["a", "b", "c"].map(|letter| letter.repeat(40));
    for id in [&old, &used, &read] {
        bodies.insert(id, BODY, NOW + 5 * MINUTE).await.unwrap().unwrap();
    }
    fs::write(folder.path().join("README"), "no session").unwrap();
    let preset = NodeSession::new([SECRET]).unwrap();
    let engine = SessionManager::new(preset.store(bodies.clone()), preset.config()).unwrap();
    clock.advance(Duration::from_millis(5 * 60_000 - 1));
    assert_eq!(sweep(folder.path(), &engine).await, (0, 4), "none is older than the lifetime");
    bodies.touch(&used, NOW + 9 * MINUTE).await.unwrap();
    // node-session's clean-up goes by the last access, so what Node has read is alive for it.
    let seen = SystemTime::UNIX_EPOCH + (NOW + 3 * MINUTE).since(Timestamp::EPOCH);
    let file = fs::OpenOptions::new().write(true).open(folder.path().join(&read)).unwrap();
    file.set_times(fs::FileTimes::new().set_accessed(seen)).unwrap();
    clock.advance(Duration::from_millis(1));
    assert_eq!(sweep(folder.path(), &engine).await, (1, 3));
    assert!(!folder.path().join(&old).exists());
    clock.advance(3 * MINUTE);
    assert_eq!(sweep(folder.path(), &engine).await, (1, 2), "that which was read");
    assert!(bodies.read(&used).await.unwrap().is_some());
}

#[tokio::test]
async fn files_of_session_file_store_are_removed_by_their_last_access_and_lifetime() {
    let (folder, clock, bodies) = files(FileLayout::session_file_store()).await;
    let preset = Express::new([SECRET]).unwrap().ttl(60 * MINUTE);
    let engine = SessionManager::new(preset.store(bodies.clone()), preset.config()).unwrap();
    let write = |id: &str, text: &str| fs::write(folder.path().join(format!("{id}.json")), text).unwrap();
    write("own", r#"{"cookie":{"originalMaxAge":60000},"__lastAccess":1767225600000}"#);
    write("usual", r#"{"cookie":{"originalMaxAge":null},"__lastAccess":1767225600000}"#);
    write("half", r#"{"cookie":{"originalMaxAge":60000},"__lastAcc"#);
    fs::write(folder.path().join("own.txt"), "{}").unwrap();
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(sweep(folder.path(), &engine).await, (0, 4));
    clock.advance(Duration::from_millis(1));
    assert_eq!(sweep(folder.path(), &engine).await, (1, 3));
    clock.advance(59 * MINUTE);
    assert_eq!(sweep(folder.path(), &engine).await, (1, 2));
    clock.advance(24 * 60 * MINUTE);
    assert_eq!(sweep(folder.path(), &engine).await, (0, 2), "what cannot be read is left alone");
}

#[tokio::test]
async fn n6_what_is_written_in_memory_is_read() {
    let bodies = MemoryBodies::new();
    assert!(bodies.insert("id", BODY, Timestamp::NEVER).await.unwrap().is_some());
    assert_eq!(&*bodies.read("id").await.unwrap().unwrap().bytes, BODY);
}

#[tokio::test]
async fn n7_what_has_ended_in_memory_is_not_read() {
    let bodies = MemoryBodies::new();
    bodies.set("id", BODY, Timestamp::NEVER);
    bodies.end("id", None).await.unwrap();
    assert_eq!(bodies.read("id").await.unwrap(), None);
}

#[tokio::test]
async fn n37_the_stored_form_of_an_encrypted_session_differs_from_its_values() {
    let (stage, mut browser) = (Stage::node_session(|preset| preset.encrypt(true)), Browser::default());
    stage.visit(&mut browser, async |session| session.insert("name", "Zo").unwrap()).await;
    let sealed = stage.body(&browser);
    assert!(sealed.starts_with(r#"{"ct":""#) && !sealed.contains("name"), "{sealed}");
    assert!(Encrypter::new(SECRET).open(&sealed).unwrap().contains(r#""name":"Zo""#));
}

#[tokio::test]
async fn n38_an_encrypted_session_is_read_back() {
    let (stage, mut browser) = (Stage::node_session(|preset| preset.encrypt(true)), Browser::default());
    stage.visit(&mut browser, async |session| session.insert("name", "Zo").unwrap()).await;
    stage
        .visit(&mut browser, async |session| {
            assert_eq!(session.get::<String>("name").unwrap().as_deref(), Some("Zo"));
        })
        .await;
}
