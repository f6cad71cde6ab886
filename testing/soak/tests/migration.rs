//! The same with few sessions, so that it runs on any machine; in full it is `cargo xtask migration`.
#![expect(clippy::unwrap_used, reason = "a test that is surprised fails")]

use std::env;
use std::path::{Path, PathBuf};

use cloakroom_services::Service;
use cloakroom_soak::migration::{Report, Settings, run};

/// The command, which has been built into the folder above this test.
fn program() -> PathBuf {
    let test = env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap().join("cloakroom");
    assert!(built.exists(), "build it first: cargo build --workspace --all-features");
    built
}

async fn moves(from: Service, to: Service) {
    let report: Report = run(Settings {
        program: program(),
        from,
        to,
        sessions: 300,
        used: 60,
        at_once: 4,
        kills: 4,
        playground_kills: 1,
        seed: 1,
        say: |_| {},
    })
    .await
    .unwrap();
    assert!(report.wrong.is_empty() && report.kills > 0 && report.requests > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_move_from_redis_to_postgres_under_traffic_and_kills() {
    moves(Service::Redis, Service::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_move_from_postgres_to_redis_under_traffic_and_kills() {
    moves(Service::Postgres, Service::Redis).await;
}
