//! The drivers of node-session: where its bodies are, and their encryption.

use std::fs;

use cloakroom::store::{BodyStore as _, Timestamp};
use cloakroom_node::node_session::Encrypter;
use cloakroom_node::{FileBodies, FileLayout, MemoryBodies};

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
