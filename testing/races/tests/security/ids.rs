//! Ids: where they come from, what they reveal, and what happens with ids that were never issued.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use cloakroom::{Random, SystemRandom};
use cloakroom_races::{Forger, Kind, Op, Stand, races};
use cloakroom_tower::Session;

use crate::{answer, ask, log_in, log_out, ring};

races! {
    r01_without_random_bytes_a_request_fails_and_nothing_is_stored,
    r02_the_cookie_holds_the_id_and_its_signature_and_nothing_else,
    r03_an_unknown_id_is_never_adopted_and_nothing_is_stored_for_it,
    r04_no_byte_of_a_cookie_is_an_error_or_reaches_a_path_or_a_key,
    r05_logging_in_and_doing_so_again_gives_a_new_id_and_the_old_one_is_dead_at_once,
    r05_what_is_logged_in_to_under_a_planted_id_is_not_the_planters,
    r23_an_id_in_a_url_a_body_or_another_header_is_ignored,
    r30_an_id_is_looked_up_by_its_hash,
}

/// Has something for the engine to start with, and then nothing.
#[derive(Debug, Default)]
struct Dry(AtomicBool);

impl Random for Dry {
    fn fill(&self, bytes: &mut [u8]) -> cloakroom::Result<()> {
        if self.0.swap(true, Ordering::SeqCst) {
            let dry = cloakroom::store::Error::new(cloakroom::store::ErrorKind::Other, "no random bytes");
            return Err(dry.into());
        }
        SystemRandom.fill(bytes)
    }
}

async fn r01_without_random_bytes_a_request_fails_and_nothing_is_stored(kind: Kind) {
    let stand = Stand::with(kind, |config| config.random(Dry::default())).await;
    let scripts: [fn(&Session) -> cloakroom::Result<()>; 3] = [
        |session| session.insert("coat", "red"),
        |session| session.log_in("alice"),
        |session| session.csrf_token().map(drop),
    ];
    for script in scripts {
        let answer =
            stand.browser().start(async move |session: Session| Ok(script(&session)?)).answer().await;
        assert!(answer.status.is_server_error(), "{}", answer.status);
        assert!(answer.leaves_cookie());
    }
    assert_eq!(stand.records().await, 0);
}

async fn r02_the_cookie_holds_the_id_and_its_signature_and_nothing_else(kind: Kind) {
    for signed in [false, true] {
        let stand = Stand::with(kind, |config| if signed { config.signed(ring()) } else { config }).await;
        let mut values = Vec::new();
        for _ in 0..32 {
            let mut alice = stand.browser();
            let script = async |session: Session| {
                session.insert("mail", "alice@example.org")?;
                session.log_in("alice@example.org")?;
                session.set_device("the telephone of alice");
                Ok(())
            };
            let answer = alice.run(script).await.ok();
            let value = alice.cookie().unwrap().to_owned();
            let attributes = "Max-Age=43200; Path=/; HttpOnly; SameSite=Lax";
            assert_eq!(answer.set_cookie(), Some(format!("session={value}; {attributes}").as_str()));
            let shown = alice.start(async |session: Session| {
                Ok(session.id().map(|id| id.expose().to_owned()).unwrap_or_default())
            });
            let id = shown.answer().await.ok().body;
            let rest = value.strip_prefix(&id).unwrap();
            assert_eq!((id.len(), rest.len()), (43, if signed { 44 } else { 0 }));
            values.push(value.into_bytes());
        }
        let constant = |at: usize| values.iter().all(|value| value[at] == values[0][at]);
        assert_eq!((0..43).find(|at| constant(*at)), None, "a byte that is always the same has a meaning");
    }
}

async fn r03_an_unknown_id_is_never_adopted_and_nothing_is_stored_for_it(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut forger = Forger::new(3);
    for _ in 0..500 {
        let asked = ask(&stand, "/look", &[forger.id()]).await;
        assert_eq!((asked.body.as_str(), asked.new_cookie), ("new", None));
    }
    assert_eq!(stand.records().await, 0);
    let planted = forger.id();
    let written = ask(&stand, "/visit", std::slice::from_ref(&planted)).await;
    let given = written.new_cookie.unwrap().into_bytes();
    assert_ne!(given, planted);
    assert_eq!(ask(&stand, "/look", &[given]).await.body, "known");
    assert_eq!(ask(&stand, "/look", &[planted]).await.body, "new");
    assert_eq!(stand.records().await, 1);
}

fn files(folder: &Path) -> HashSet<PathBuf> {
    let mut found = HashSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.insert(path);
    }
    found
}

async fn r04_no_byte_of_a_cookie_is_an_error_or_reaches_a_path_or_a_key(kind: Kind) {
    let stand = Stand::new(kind).await;
    let bystander = stand.guest().await;
    let before = (stand.store.records().await, files(stand.folder()), stand.store.trips(Op::Load));
    let mut forger = Forger::new(4);
    for round in 0..1_000 {
        let value = if round % 20 == 0 { forger.oversized() } else { forger.malformed() };
        let asked = ask(&stand, "/look", std::slice::from_ref(&value)).await;
        assert_eq!((asked.status, asked.body.as_str()), (StatusCode::OK, "new"), "{value:?}");
    }
    assert_eq!(before.2, stand.store.trips(Op::Load), "what cannot be an id costs no trip");
    for _ in 0..200 {
        assert_eq!(ask(&stand, "/look", &[forger.id()]).await.status, StatusCode::OK);
    }
    assert_eq!((before.0, before.1), (stand.store.records().await, files(stand.folder())));
    assert!(stand.store.keys().iter().all(|key| key.as_bytes().len() == 32));
    assert!(bystander.is_known().await);
}

async fn r05_logging_in_and_doing_so_again_gives_a_new_id_and_the_old_one_is_dead_at_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.guest().await;
    let mut dead = Vec::new();
    for _ in 0..3 {
        dead.push(alice.clone());
        alice.run(log_in).await.ok();
        for old in &dead {
            assert_ne!(old.cookie(), alice.cookie());
            assert!(!old.is_known().await, "within the grace of a renewal too");
            assert_eq!(old.read::<String>("coat").await, None);
        }
        assert_eq!(alice.user().await.as_deref(), Some("alice"));
        assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"), "the values are kept");
        assert_eq!(stand.owned_records().await, 1);
    }
}

async fn r05_what_is_logged_in_to_under_a_planted_id_is_not_the_planters(kind: Kind) {
    let stand = Stand::new(kind).await;
    let attacker = stand.guest().await;
    let writer = attacker.hold(|session| session.insert("account", "of the attacker")).await;
    let mut victim = stand.browser();
    victim.plant(attacker.cookie().unwrap());
    victim.run(log_in).await.ok();
    writer.release().await.ok();
    assert_eq!(attacker.user().await, None);
    assert_eq!(victim.user().await.as_deref(), Some("alice"));
    assert_eq!(victim.read::<String>("account").await, None);
}

async fn r23_an_id_in_a_url_a_body_or_another_header_is_ignored(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    let id = alice.cookie().unwrap();
    let loads = stand.store.trips(Op::Load);
    let form = format!("session={id}");
    let requests = [
        Request::get(format!("/look?session={id}")).body(Body::empty()),
        Request::get(format!("/look?__Host-session={id}&id={id}&{id}")).body(Body::empty()),
        Request::post("/look").header("content-type", "application/x-www-form-urlencoded").body(form.into()),
        Request::post("/look").body(format!("{{\"session\":\"{id}\"}}").into()),
        Request::get("/look").header("authorization", format!("Bearer {id}")).body(Body::empty()),
        Request::get("/look").header("session", id).header("x-session-id", id).body(Body::empty()),
        Request::get("/look").header("set-cookie", format!("session={id}")).body(Body::empty()),
        Request::get("/look").header("referer", format!("/?session={id}")).body(Body::empty()),
        Request::get("/look").header("cookie", format!("other={id}; Session={id}")).body(Body::empty()),
    ];
    for request in requests {
        let asked = answer(&stand, request.unwrap()).await;
        assert_eq!((asked.body.as_str(), asked.new_cookie), ("new", None));
    }
    assert_eq!(stand.store.trips(Op::Load), loads);
    assert_eq!(ask(&stand, "/look", &[id.into()]).await.body, "known");
}

async fn r30_an_id_is_looked_up_by_its_hash(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    let id = alice.cookie().unwrap().as_bytes().to_vec();
    // A neighbour in the last bit that an id has.
    let mut neighbour = id.clone();
    neighbour[42] = if id[42] == b'A' { b'E' } else { b'A' };
    assert_eq!(ask(&stand, "/look", &[neighbour]).await.body, "new");
    alice.run(log_out).await.ok();
    for key in stand.store.keys() {
        let in_common = key.as_bytes().iter().zip(&id).take_while(|(key, id)| key == id).count();
        assert!(key.as_bytes().len() == 32 && in_common < 8, "a key shows the id");
    }
    assert!(stand.store.keys().len() >= 3);
}
