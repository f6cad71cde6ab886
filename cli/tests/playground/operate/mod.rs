//! `cloakroom list`, `show`, `count`, `revoke`, `sweep`, `watch` and `stats`: operators see and end sessions.

mod layouts;
mod many;
mod watch;

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{FILE, Playground, SQLITE, Server, command};

const VALUE: &str = "a value that must not be shown";

/// Runs a command on a store, without a terminal.
async fn run(folder: &Path, arguments: &[&str], store: &str) -> Output {
    let mut operate = command(folder);
    operate.args(arguments).args(["--store", store]).stdin(Stdio::null());
    operate.output().await.unwrap()
}

/// What a command says that must succeed.
async fn said(folder: &Path, arguments: &[&str], store: &str) -> String {
    let output = run(folder, arguments, store).await;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says that must fail, and its exit code.
async fn refused(folder: &Path, arguments: &[&str], store: &str) -> (i32, String) {
    let output = run(folder, arguments, store).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: ") && output.stdout.is_empty(), "{arguments:?}: {error}");
    (output.status.code().unwrap(), error)
}

/// The lines of JSON that a command prints, in the order of their public ids.
async fn listed(folder: &Path, arguments: &[&str], store: &str) -> Vec<Value> {
    let text = said(folder, &[arguments, &["--json"]].concat(), store).await;
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| line["public_id"].to_string());
    lines
}

fn handle(session: &Value) -> String {
    session["handle"].as_str().unwrap().to_owned()
}

/// A store that is in use: two sessions of alice's, one of bob's, one of no user.
struct Scene {
    playground: Playground,
    /// The URL of the store, with the layout that is meant.
    url: String,
    alice: [Client; 2],
    bob: Client,
    stranger: Client,
}

impl Scene {
    async fn on(store: &str) -> Self {
        let playground = Playground::on(store).await;
        let client = playground.client();
        let log_in = async |user: &str| {
            let client = client.stranger();
            client.run(json!([{"insert": ["secret", VALUE]}, {"log_in": user}])).await;
            client
        };
        let (alice, bob) = ([log_in("alice").await, log_in("alice").await], log_in("bob").await);
        let stranger = client.stranger();
        stranger.run(json!([{"insert": ["secret", VALUE]}])).await;
        // Other tests have sessions of Node in the shared servers.
        let url = format!("{store}{}layout=cloakroom", if store.contains('?') { '&' } else { '?' });
        Self { playground, url, alice, bob, stranger }
    }

    fn folder(&self) -> &Path {
        self.playground.folder.path()
    }

    async fn said(&self, arguments: &[&str]) -> String {
        said(self.folder(), arguments, &self.url).await
    }

    async fn listed(&self, arguments: &[&str]) -> Vec<Value> {
        listed(self.folder(), arguments, &self.url).await
    }

    /// Says that no id and no value is in what was printed.
    fn assert_silent(&self, text: &str) {
        let clients = [&self.alice[0], &self.alice[1], &self.bob, &self.stranger];
        for id in clients.iter().filter_map(|client| client.cookie()) {
            assert!(!text.contains(&id), "{text}");
        }
        assert!(!text.contains(VALUE), "{text}");
    }
}

async fn sessions_are_listed_by_user_by_public_id_and_all(store: &str) {
    let scene = Scene::on(store).await;
    let users = |lines: &[Value]| {
        let mut users: Vec<_> =
            lines.iter().map(|line| line["user"].as_str().unwrap_or("-").to_owned()).collect();
        users.sort();
        users
    };
    assert_eq!(users(&scene.listed(&["list"]).await), ["-", "alice", "alice", "bob"]);
    let of_alice = scene.listed(&["list", "--user", "alice"]).await;
    assert_eq!(users(&of_alice), ["alice", "alice"]);
    let bobs = handle(&scene.bob.session().await);
    let [bob] = &scene.listed(&["list", "--id", &bobs]).await[..] else { panic!("not one") };
    assert_eq!((&bob["user"], &bob["public_id"]), (&json!("bob"), &json!(bobs)));
    assert!(bob["expires_at"].as_str().unwrap() > bob["started_at"].as_str().unwrap(), "{bob}");
    assert_eq!(scene.listed(&["list", "--limit", "3"]).await.len(), 3);
    assert_eq!(scene.listed(&["list", "--user", "carol"]).await, [Value::Null; 0]);

    let table = scene.said(&["list"]).await;
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.starts_with("session ") && table.contains(&format!("{bobs}  bob ")), "{table}");
    scene.assert_silent(&table);
    assert_eq!(scene.said(&["count"]).await, "4\n");
    assert_eq!(scene.said(&["count", "--user", "alice"]).await, "2\n");
}

async fn a_session_is_shown_without_its_id_and_its_values_only_on_request(store: &str) {
    let scene = Scene::on(store).await;
    let id = handle(&scene.stranger.session().await);
    let shown = scene.said(&["show", &id]).await;
    assert!(shown.starts_with(&format!("session    {id}\nuser       -\n")), "{shown}");
    assert!(shown.contains(&format!("  secret: {} bytes\n", VALUE.len() + 2)), "{shown}");
    scene.assert_silent(&shown);
    let shown = scene.said(&["show", &id, "--values"]).await;
    assert!(shown.contains(&format!("  secret: \"{VALUE}\"\n")), "{shown}");
    assert!(!shown.contains(&scene.stranger.cookie().unwrap()), "{shown}");

    let of_bob = handle(&scene.bob.session().await);
    let [bob] = &scene.listed(&["show", &of_bob, "--user", "bob", "--values"]).await[..] else {
        panic!("not one")
    };
    assert_eq!((&bob["user"], &bob["values"]), (&json!("bob"), &json!({"secret": VALUE})));
    let (code, error) = refused(scene.folder(), &["show", &of_bob, "--user", "alice"], &scene.url).await;
    assert!(code == 1 && error.contains("there is no session"), "{error}");
}

async fn a_revoked_session_never_comes_back(store: &str) {
    let scene = Scene::on(store).await;
    let id = handle(&scene.bob.session().await);
    // A writer that is in flight while its session is revoked.
    let writer = scene.bob.copy();
    let writing =
        tokio::spawn(async move { writer.run(json!([{"insert": ["late", 1]}, {"sleep_ms": 1_500}])).await });
    while scene.said(&["list", "--user", "bob"]).await.lines().count() != 2 {}
    assert_eq!(scene.said(&["revoke", &id, "--yes"]).await, "1 session ended\n");
    assert_eq!(scene.bob.session().await["exists"], false);
    writing.await.unwrap();
    assert_eq!(scene.bob.session().await["exists"], false, "the writer brought it back");
    assert_eq!(scene.said(&["count", "--user", "bob"]).await, "0\n");
    let (code, _) = refused(scene.folder(), &["revoke", &id, "--yes"], &scene.url).await;
    assert_eq!(code, 1, "there was nothing to end");
    assert_eq!(scene.alice[0].session().await["user"], "alice");

    let one = handle(&scene.alice[0].session().await);
    assert_eq!(scene.said(&["revoke", &one, "--user", "alice", "--yes"]).await, "1 session ended\n");
    assert_eq!(scene.alice[1].session().await["user"], "alice", "the other one stays");
}

async fn all_sessions_of_a_user_or_of_the_store_end(store: &str) {
    let scene = Scene::on(store).await;
    assert_eq!(scene.said(&["revoke", "--user", "alice", "--yes"]).await, "2 sessions ended\n");
    assert_eq!(scene.bob.session().await["user"], "bob");
    assert_eq!(scene.said(&["revoke", "--all", "--yes"]).await, "2 sessions ended\n");
    for client in [&scene.alice[0], &scene.alice[1], &scene.bob, &scene.stranger] {
        assert_eq!(client.session().await["exists"], false);
    }
    assert_eq!(scene.said(&["count"]).await, "0\n");
    scene.alice[0].run(json!([{"log_in": "alice"}])).await;
    assert_eq!(scene.said(&["count"]).await, "1\n", "a later log-in stands");
}

async fn figures_are_those_of_the_store(store: &str) {
    let scene = Scene::on(store).await;
    let [stats] = &scene.listed(&["stats"]).await[..] else { panic!("not one") };
    for (name, count) in [("sessions", 4), ("logged_in", 3), ("anonymous", 1), ("used_within_5_minutes", 4)] {
        assert_eq!(stats[name], count, "{name}: {stats}");
    }
    assert_eq!(
        (&stats["unreadable_records"], &stats["ending_within_an_hour"]),
        (&json!(0), &json!(4)),
        "{stats}"
    );
    assert!(stats["payload_bytes"].as_u64().unwrap() > 4 * 80, "{stats}");
    assert!(scene.said(&["stats"]).await.contains("\nlogged in                  3\n"));
}

macro_rules! on_stores_of_operators {
    ($($test:ident),* $(,)?) => {
        on_stores_of_operators!(@ file = crate::server::FILE.to_owned(), $($test),*);
        on_stores_of_operators!(@ sqlite = crate::server::SQLITE.to_owned(), $($test),*);
        #[cfg(feature = "redis")]
        on_stores_of_operators!(@ redis = crate::server::redis(), $($test),*);
        #[cfg(feature = "postgres")]
        on_stores_of_operators!(@ postgres = super::postgres(), $($test),*);
    };
    (@ $store:ident = $url:expr, $($test:ident),*) => {
        mod $store {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&$url).await;
            })*
        }
    };
}

on_stores_of_operators!(
    sessions_are_listed_by_user_by_public_id_and_all,
    a_session_is_shown_without_its_id_and_its_values_only_on_request,
    a_revoked_session_never_comes_back,
    all_sessions_of_a_user_or_of_the_store_end,
    figures_are_those_of_the_store,
);

/// The shared PostgreSQL, with tables that no other test has.
#[cfg(feature = "postgres")]
fn postgres() -> String {
    let url = cloakroom_services::Service::Postgres.shared();
    format!("{url}?connect_timeout=30&prefix=operate{:016x}_", getrandom::u64().unwrap())
}

#[tokio::test]
async fn nothing_ends_without_a_confirmation() {
    let scene = Scene::on(FILE).await;
    let id = handle(&scene.bob.session().await);
    for which in [&[&*id][..], &["--user", "bob"], &["--all"]] {
        let arguments = [&["revoke"], which].concat();
        let (code, error) = refused(scene.folder(), &arguments, FILE).await;
        assert!(code == 1 && error.contains("nothing was ended; with --yes it ends"), "{which:?}: {error}");
    }
    assert_eq!(scene.said(&["count"]).await, "4\n");
    for which in [&[][..], &["--all", "--user", "bob"], &["--all", &id], &["no public id"]] {
        let output = run(scene.folder(), &[&["revoke", "--yes"], which].concat(), FILE).await;
        assert_eq!(output.status.code(), Some(2), "{which:?}: {output:?}");
    }
    assert_eq!(scene.said(&["count"]).await, "4\n");
}

#[tokio::test]
async fn a_sweep_removes_what_has_expired_and_nothing_else() {
    for store in [FILE, SQLITE] {
        let folder = tempfile::tempdir().unwrap();
        let short = Server::start(folder.path(), &["--store", store, "--idle-timeout", "1ms"]).await;
        short.client().run(json!([{"insert": ["k", 1]}])).await;
        let long = Server::start(folder.path(), &["--store", store]).await;
        long.client().run(json!([{"insert": ["k", 1]}])).await;
        short.kill().await;
        long.kill().await;
        assert_eq!(said(folder.path(), &["sweep"], store).await, "1 expired records removed\n");
        assert_eq!(said(folder.path(), &["sweep"], store).await, "0 expired records removed\n");
        assert_eq!(said(folder.path(), &["count"], store).await, "1\n");
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_an_error_and_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    for store in ["sqlite:mistyped.db", "file:mistyped", "memory:"] {
        for arguments in [&["list"][..], &["revoke", "--all", "--yes"], &["sweep"], &["stats"]] {
            let (code, error) = refused(folder.path(), arguments, store).await;
            assert_eq!(code, 2, "{store}: {error}");
        }
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

/// The shared memcached, which lists nothing.
#[cfg(feature = "memcached")]
#[tokio::test]
async fn a_store_without_an_index_says_what_it_cannot_do_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let store = cloakroom_services::Service::Memcached.shared();
    let id = "AAAAAAAAAAAAAAAAAAAAAA";
    for arguments in [
        &["list"][..],
        &["list", "--user", "alice"],
        &["count"],
        &["show", id],
        &["revoke", id, "--yes"],
        &["revoke", "--user", "alice", "--yes"],
        &["revoke", "--all", "--yes"],
        &["stats"],
        &["watch"],
    ] {
        let (code, error) = refused(folder.path(), arguments, &store).await;
        assert!(code == 1 && error.contains("where no index of them is"), "{arguments:?}: {error}");
    }
    let swept = said(folder.path(), &["sweep"], &store).await;
    assert!(swept.starts_with("nothing to do: "), "{swept}");
}
