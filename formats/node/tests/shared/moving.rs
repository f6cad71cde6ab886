//! Sessions of Express move to a store of our own format while they are used, and back. Their cookies stay as they are.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::{BodyStore as _, Scan as _, Store};
use cloakroom::stores::{MemoryStore, MigrateOutcome, MigratingStore};
use cloakroom::{ManualClock, SessionManager};
use cloakroom_node::{Express, MemoryBodies};

use crate::stage::{ID, SECRET, Stage, id_in, new_year};

/// The same place with another store behind the engine.
struct Move {
    express: Express,
    clock: ManualClock,
    bodies: MemoryBodies,
    own: Arc<MemoryStore>,
}

impl Move {
    fn new() -> Self {
        let clock = ManualClock::at(new_year());
        Self {
            express: Express::new([SECRET]).unwrap().passport_with_numbers(),
            bodies: MemoryBodies::with_clock(clock.clone()),
            own: Arc::new(MemoryStore::builder().clock(clock.clone()).build()),
            clock,
        }
    }

    fn of_node(&self) -> Arc<dyn Store> {
        Arc::new(self.express.store(self.bodies.clone()))
    }

    fn stage(&self, store: Arc<dyn Store>) -> Stage {
        let engine = SessionManager::from_arc(store, self.express.config().clock(self.clock.clone()));
        Stage { clock: self.clock.clone(), bodies: self.bodies.clone(), engine: engine.unwrap() }
    }

    fn text(&self, id: &str) -> String {
        String::from_utf8(self.bodies.get(id).unwrap().to_vec()).unwrap()
    }

    fn node_writes(&self, id: &str, body: &'static str) {
        self.bodies.set(id, body, new_year() + Duration::from_secs(3600));
    }
}

/// Moves what no request has asked for; returns how many that were.
async fn the_rest(store: &MigratingStore) -> usize {
    let (mut moved, mut after) = (0, None);
    loop {
        let page = store.remaining(after.as_ref(), 2).await.unwrap();
        for entry in &page.entries {
            assert!(matches!(store.migrate_entry(entry).await.unwrap(), MigrateOutcome::Moved(_)));
            moved += 1;
        }
        after = page.next;
        if after.is_none() {
            return moved;
        }
    }
}

const USER: &str = r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":7},"num":12345678901234567890123}"#;
const GUEST: &str = r#"{"cookie":{"originalMaxAge":7200000,"expires":"2026-01-01T02:00:00.000Z","httpOnly":true,"path":"/"},"views":1}"#;

#[tokio::test]
async fn sessions_of_express_move_to_a_store_of_our_own_and_back_and_no_user_is_logged_out() {
    let there = Move::new();
    there.node_writes(ID, USER);
    there.node_writes("guest", GUEST);
    there.node_writes("leaves", USER);
    let moving = MigratingStore::write_through(there.of_node(), there.own.clone());
    let stage = there.stage(Arc::new(MigratingStore::write_through(there.of_node(), there.own.clone())));
    stage
        .visit(ID, async |session| {
            assert_eq!(session.user().as_deref(), Some("7"));
            session.insert("cart", ["hat"]).unwrap();
        })
        .await;
    assert_eq!(the_rest(&moving).await, 2, "the third has moved with its request");
    assert_eq!(the_rest(&moving).await, 0);
    assert!(!there.text(ID).contains("passport"), "what is left is a mark: {}", there.text(ID));

    // Express's cookies, and records of our own.
    let stage = there.stage(there.own.clone());
    let sessions = stage.engine.sessions().list("7").await.unwrap();
    assert_eq!(sessions.len(), 2, "there is an index of users now");
    stage.visit("leaves", async |session| session.log_out()).await;
    stage.visit("guest", async |session| assert_eq!(session.increment("views", 1).unwrap(), 2)).await;
    let begun = stage.visit("", async |session| session.insert("new", 1).unwrap()).await;
    let begun = id_in(&begun.set_cookie.unwrap());

    let back = MigratingStore::write_through(there.own.clone(), there.of_node());
    assert_eq!(the_rest(&back).await, 3);
    assert_eq!(there.own.count().await.unwrap(), 3, "marks");
    let user = there.text(ID);
    assert!(user.starts_with(&USER[..USER.len() - 1]) && user.contains(r#","cart":["hat"],"#), "{user}");
    assert!(there.text("guest").starts_with(&GUEST.replace("\"views\":1}", "\"views\":2,")));
    assert!(there.text(&begun).contains(r#","new":1,"#), "{}", there.text(&begun));
    let stage = there.stage(there.of_node());
    stage.visit(ID, async |session| assert_eq!(session.user().as_deref(), Some("7"))).await;
    stage.visit("leaves", async |session| assert_eq!(session.user(), None)).await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_scanned_without_a_payload_and_stays() {
    let there = Move::new();
    there.node_writes(ID, "[1,2]");
    let page = there.express.store(there.bodies.clone()).scan(None, 10).await.unwrap();
    let payload = &page.entries[0].stored.record.payload;
    assert!(cloakroom::format::Payload::decode(payload).is_none());
    assert!(there.bodies.read(ID).await.unwrap().is_some_and(|body| body.bytes == "[1,2]"));
}
