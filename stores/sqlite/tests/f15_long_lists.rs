//! What a list of very many large sessions reads. In a file of its own, as the system counts by process.
#![expect(clippy::unwrap_used, reason = "a test")]

use cloakroom_conformance::LongList;
use cloakroom_sqlite::{Durability, SqliteStore};

/// How many bytes this process has read so far.
fn read() -> usize {
    let counts = std::fs::read_to_string("/proc/self/io").unwrap();
    counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn f15_a_list_of_1200_large_sessions_is_read_in_pages_without_their_payloads() {
    let folder = tempfile::tempdir().unwrap();
    let builder = SqliteStore::builder(folder.path().join("sessions.db"));
    let store = builder.durability(Durability::Process).build().await.unwrap();
    let cost = LongList::measure(&store, &store, 100_000, read).await.unwrap();
    // Some pages of the file for each record, of 4 KB.
    cost.assert_bounded(2_000_000, usize::MAX);
}
