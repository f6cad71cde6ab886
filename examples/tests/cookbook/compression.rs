//! Compression, inside of the session layer.

use axum::{Router, routing::get};
use cloakroom_tower::{Session, SessionError, SessionLayer, store::Store};
use tower_http::compression::CompressionLayer;

async fn page(session: Session) -> Result<String, SessionError> {
    session.increment("visits", 1)?;
    Ok("a long page ".repeat(100))
}

fn app(store: impl Store) -> Router {
    Router::new()
        .route("/", get(page))
        .layer(CompressionLayer::new()) // inside: `layer` wraps what was added before it
        .layer(SessionLayer::new(store)) // outside: makes one `Vary` line of what is there
}

// The test:

use crate::browser::Browser;
use axum::http::Request;
use cloakroom_tower::stores::MemoryStore;

#[tokio::test]
async fn a_compressed_page_has_one_vary_line() {
    let mut browser = Browser::new(app(MemoryStore::new()));
    let page = browser.send(Request::get("/").header("accept-encoding", "gzip"), String::new()).await;
    assert_eq!(page.headers["content-encoding"], "gzip");
    let lines: Vec<_> = page.headers.get_all("vary").iter().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines[0].to_str().unwrap().to_lowercase();
    assert!(line.starts_with("cookie") && line.contains("accept-encoding"), "{line}");
}
