//! Stores that outlive a process, and that several share.

use serde_json::json;

use crate::server::{FILE, Playground, SQLITE, Server};

/// Makes a test of each function for each store that outlives its process.
macro_rules! on_every_place {
    ($($test:ident),* $(,)?) => {
        mod file { $(#[tokio::test] async fn $test() { super::$test(crate::server::FILE).await; })* }
        mod sqlite { $(#[tokio::test] async fn $test() { super::$test(crate::server::SQLITE).await; })* }
        #[cfg(feature = "redis")]
        mod redis { $(#[tokio::test] async fn $test() { super::$test(&crate::server::redis()).await; })* }
    };
}

on_every_place![
    a_restart_keeps_sessions_and_users,
    a_signal_lets_requests_under_way_end,
    two_processes_share_a_session_and_count_every_increment,
    a_log_out_at_one_process_is_one_at_the_other,
];

async fn a_restart_keeps_sessions_and_users(store: &str) {
    let Playground { folder, server } = Playground::on(store).await;
    let client = server.client();
    let before = client.run(json!([{"log_in": "alice"}, {"insert": ["k", [1, 2]]}])).await;
    server.stop().await;
    let server = Server::start(folder.path(), &["--store", store]).await;
    let after = client.at(&server.address).session().await;
    assert_eq!((&after["user"], &after["data"]), (&json!("alice"), &json!({"k": [1, 2]})));
    assert_eq!(after["handle"], before["session"]["handle"]);
    let listed = client.at(&server.address).get("/api/sessions?user=alice").await.json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    server.signal("INT");
    assert!(server.ended().await.0.success());
}

async fn a_signal_lets_requests_under_way_end(store: &str) {
    let Playground { folder, server } = Playground::on(store).await;
    let client = server.client();
    client.run(json!([{"insert": ["n", 0]}])).await;
    let slow = client.clone();
    // What is saved before the sleep tells that the request is under way.
    let steps = json!([{"increment": ["n", 1]}, {"save": true}, {"sleep_ms": 700}, {"increment": ["n", 1]}]);
    let slow = tokio::spawn(async move { slow.run(steps).await });
    while client.session().await["data"]["n"] == 0 {}
    server.stop().await;
    assert_eq!(slow.await.unwrap()["session"]["data"], json!({"n": 2}));
    let server = Server::start(folder.path(), &["--store", store]).await;
    assert_eq!(client.at(&server.address).session().await["data"], json!({"n": 2}));
}

async fn two_processes_share_a_session_and_count_every_increment(store: &str) {
    increments_of_two_processes_are_counted(store, 8).await;
}

/// So many clients ask the two in turn.
async fn increments_of_two_processes_are_counted(store: &str, clients: usize) {
    let Playground { folder, server: one } = Playground::on(store).await;
    let two = Server::start(folder.path(), &["--store", store]).await;
    let client = one.client();
    client.run(json!([{"insert": ["n", 0]}])).await;
    let workers = (0..clients).map(|worker| {
        let client = if worker % 2 == 0 { client.clone() } else { client.at(&two.address) };
        tokio::spawn(async move {
            for _ in 0..8 {
                client.run(json!([{"increment": ["n", 1]}, {"push": ["log", worker]}])).await;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    for client in [client.clone(), client.at(&two.address)] {
        let data = client.session().await["data"].take();
        let due = 8 * clients;
        assert_eq!((&data["n"], data["log"].as_array().unwrap().len()), (&json!(due), due));
    }
}

async fn a_log_out_at_one_process_is_one_at_the_other(store: &str) {
    let Playground { folder, server: one } = Playground::on(store).await;
    let two = Server::start(folder.path(), &["--store", store]).await;
    let client = one.client();
    client.run(json!([{"log_in": "alice"}])).await;
    let elsewhere = client.copy().at(&two.address);
    assert_eq!(elsewhere.session().await["user"], "alice");
    client.run(json!([{"log_out": true}])).await;
    assert_eq!(elsewhere.session().await["exists"], false);
}

#[tokio::test]
async fn a_folder_that_vanished_is_503_in_the_same_form() {
    let Playground { folder, server } = Playground::on(FILE).await;
    let client = server.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    std::fs::remove_dir_all(folder.path().join("sessions")).unwrap();
    std::fs::write(folder.path().join("sessions"), "no folder").unwrap();
    let answer = client.get("/api/session").await;
    assert_eq!(answer.status, 503, "{answer:?}");
    answer.assert_error(503, answer.json()["error"]["kind"].as_str().unwrap());
    assert_eq!(answer.header("set-cookie"), None, "an outage never clears a cookie");
    let answer = client.get("/").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("id=\"error\""), "{answer:?}");
    assert_eq!(client.get("/api/untouched").await.status, 200);
}

/// The response is ready and cannot be saved: the layer replaces it.
#[tokio::test]
async fn a_database_that_stays_locked_is_503_in_the_same_form() {
    let playground = Playground::on(&format!("{SQLITE}?busy_timeout=100ms")).await;
    let client = playground.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    let path = playground.folder.path().join("sessions.db");
    let lock = cloakroom_sqlite::rusqlite::Connection::open(path).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    client.try_run(json!([{"insert": ["k", 2]}])).await.unwrap().assert_error(503, "unavailable");
    lock.execute_batch("ROLLBACK").unwrap();
    assert_eq!(client.session().await["data"], json!({"k": 1}));
}

/// Settings of TLS: which certificates are trusted.
#[cfg(feature = "etcd")]
fn trusted(settings: &str) -> String {
    format!("ca={}&{settings}", cloakroom_services::shared_authority().display())
}

/// Makes tests of what processes share, on a server that is `service`; the last of the settings names what is one's own.
#[cfg(any(feature = "dynamodb", feature = "etcd", feature = "mysql", feature = "postgres"))]
macro_rules! on_server {
    ($name:ident, $service:ident, $settings:expr, $end:literal, $clients:literal) => {
        mod $name {
            use cloakroom_services::Service;

            /// With a name that nothing has used before.
            fn url() -> String {
                let name = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
                format!("{}?{}=t{name:016x}{}", Service::$service.shared(), $settings, $end)
            }

            #[tokio::test]
            async fn a_restart_keeps_sessions_and_users() {
                super::a_restart_keeps_sessions_and_users(&url()).await;
            }

            #[tokio::test]
            async fn two_processes_share_a_session_and_count_every_increment() {
                super::increments_of_two_processes_are_counted(&url(), $clients).await;
            }

            #[tokio::test]
            async fn a_log_out_at_one_process_is_one_at_the_other() {
                super::a_log_out_at_one_process_is_one_at_the_other(&url()).await;
            }
        }
    };
}

#[cfg(feature = "postgres")]
on_server!(postgres, Postgres, "sslmode=disable&prefix", "_", 8);
#[cfg(feature = "mysql")]
on_server!(mariadb, Mariadb, "ssl-mode=DISABLED&prefix", "_", 8);
#[cfg(feature = "etcd")]
on_server!(etcd, Etcd, "prefix", "/", 8);
#[cfg(feature = "etcd")]
on_server!(etcd_cluster, EtcdCluster, super::trusted("prefix"), "/", 8);
#[cfg(feature = "dynamodb")]
// The emulator carries out one request at a time: more clients would meet for longer than a commit may.
on_server!(dynamodb, Dynamodb, "max_payload_bytes=250000&table", "_", 2);

#[cfg(feature = "mongodb")]
mod mongodb {
    #[tokio::test]
    async fn a_restart_keeps_sessions_and_users() {
        super::a_restart_keeps_sessions_and_users(&crate::server::mongodb()).await;
    }

    #[tokio::test]
    async fn two_processes_share_a_session_and_count_every_increment() {
        super::two_processes_share_a_session_and_count_every_increment(&crate::server::mongodb()).await;
    }

    #[tokio::test]
    async fn a_log_out_at_one_process_is_one_at_the_other() {
        super::a_log_out_at_one_process_is_one_at_the_other(&crate::server::mongodb()).await;
    }
}

#[cfg(feature = "memcached")]
mod memcached {
    use cloakroom_services::Service;
    use serde_json::json;

    use crate::server::{Playground, Server};

    /// Users cannot be listed there.
    #[tokio::test]
    async fn a_restart_keeps_sessions() {
        let store = Service::Memcached.shared();
        let Playground { folder, server } = Playground::on(&store).await;
        let client = server.client();
        client.run(json!([{"log_in": "alice"}, {"insert": ["k", [1, 2]]}])).await;
        server.stop().await;
        let server = Server::start(folder.path(), &["--store", &store]).await;
        let after = client.at(&server.address).session().await;
        assert_eq!((&after["user"], &after["data"]), (&json!("alice"), &json!({"k": [1, 2]})));
        client.at(&server.address).get("/api/sessions?user=alice").await.assert_error(501, "unsupported");
    }

    #[tokio::test]
    async fn two_processes_share_a_session_and_count_every_increment() {
        let store = Service::Memcached.shared();
        super::two_processes_share_a_session_and_count_every_increment(&store).await;
    }

    #[tokio::test]
    async fn a_log_out_at_one_process_is_one_at_the_other() {
        super::a_log_out_at_one_process_is_one_at_the_other(&Service::Memcached.shared()).await;
    }
}

/// The file is for one process at a time; the next one finds everything there.
#[cfg(feature = "redb")]
mod redb {
    const REDB: &str = "redb:sessions.redb";

    #[tokio::test]
    async fn a_restart_keeps_sessions_and_users() {
        super::a_restart_keeps_sessions_and_users(REDB).await;
    }

    #[tokio::test]
    async fn a_signal_lets_requests_under_way_end() {
        super::a_signal_lets_requests_under_way_end(REDB).await;
    }
}
