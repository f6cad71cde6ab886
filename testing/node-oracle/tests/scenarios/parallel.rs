//! What pairs can do whose Node side writes a session back that it only looked at.

use cloakroom_node_oracle::{Browser, Result};

use crate::scenarios::Pair;

/// Rust writes in parallel, and Node not at all: no write is lost.
pub(crate) async fn parallel_writes_of_ours_are_all_there(pair: &Pair) -> Result {
    let mut browser = Browser::new();
    browser.text(pair.node.port(), "/count").await?;
    for _ in 0..10 {
        let mut requests = Vec::new();
        for _ in 0..12 {
            let (mut browser, rust) = (browser.clone(), pair.rust.port());
            requests.push(tokio::spawn(async move { browser.text(rust, "/count").await }));
        }
        for request in requests {
            request.await??;
        }
    }
    assert_eq!(browser.text(pair.node.port(), "/views").await?, "121");
    Ok(())
}
