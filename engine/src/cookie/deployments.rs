//! Tests: signing keys change while several processes serve the same users.

use std::sync::Arc;

use crate::request::PlainRequest;
use crate::stores::MemoryStore;
use crate::{Config, KeyRing, SessionManager, store::Store};

const OLD: &str = "the quick brown fox jumps over the lazy dog";
const NEW: &str = "pack my box with five dozen liquor jugs, now";

/// Makes a process on the store.
fn process(store: &Arc<dyn Store>, change: impl FnOnce(Config) -> Config) -> SessionManager {
    let config = Config::plain_http().cookie_name("id").sweep_interval(None);
    SessionManager::from_arc(store.clone(), change(config)).unwrap()
}

fn signing(ring: &KeyRing) -> impl FnOnce(Config) -> Config + use<> {
    let ring = ring.clone();
    |config| config.signed(ring)
}

/// Begins a session; returns its cookie.
async fn begin(process: &SessionManager) -> String {
    let pending = process.begin(&PlainRequest::default());
    pending.load().await.unwrap().insert("n", 1).unwrap();
    let set_cookie = pending.commit().await.unwrap().set_cookie.unwrap();
    set_cookie.split(';').next().unwrap().to_owned()
}

async fn knows(process: &SessionManager, cookie: &str) -> bool {
    !process.begin(&PlainRequest::with_cookie(cookie)).load().await.unwrap().is_new()
}

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[tokio::test]
async fn f20_two_processes_that_rotate_one_after_the_other_log_no_user_out() {
    let store = store();
    let (ring_a, ring_b) = (KeyRing::new([OLD]).unwrap(), KeyRing::new([OLD]).unwrap());
    let (a, b) = (process(&store, signing(&ring_a)), process(&store, signing(&ring_b)));
    let mut cookies = vec![begin(&a).await, begin(&b).await];
    let steps: [fn(&KeyRing); 2] =
        [|ring| ring.add_for_verification(NEW).unwrap(), |ring| ring.rotate(NEW).unwrap()];
    for step in steps {
        for ring in [&ring_a, &ring_b] {
            step(ring);
            cookies.extend([begin(&a).await, begin(&b).await]);
            for cookie in &cookies {
                assert!(knows(&a, cookie).await && knows(&b, cookie).await, "{ring:?}");
            }
        }
    }
    ring_a.retire();
    assert!(!knows(&a, &cookies[0]).await);
    assert!(knows(&a, cookies.last().unwrap()).await);
}

#[tokio::test]
async fn f20_a_rotation_without_the_first_step_refuses_what_the_other_process_signs() {
    let store = store();
    let (ring_a, ring_b) = (KeyRing::new([OLD]).unwrap(), KeyRing::new([OLD]).unwrap());
    let (a, b) = (process(&store, signing(&ring_a)), process(&store, signing(&ring_b)));
    ring_a.rotate(NEW).unwrap();
    assert!(!knows(&b, &begin(&a).await).await);
}

#[tokio::test]
async fn f20_signing_is_turned_on_and_off_without_logging_users_out() {
    let store = store();
    let ring = KeyRing::new([OLD]).unwrap();
    let plain = process(&store, |config| config);
    // Whichever of the two options is named first.
    let both = process(&store, |config| signing(&ring)(config).accept_unsigned(true));
    let both_again = process(&store, |config| signing(&ring)(config.accept_unsigned(true)));
    let signed = process(&store, signing(&ring));
    let cookies = [begin(&plain).await, begin(&both).await, begin(&both_again).await, begin(&signed).await];
    // Processes of two deployments that follow each other serve at the same time.
    for process in [&plain, &both, &both_again] {
        for cookie in &cookies {
            assert!(knows(process, cookie).await, "{cookie}");
        }
    }
    for cookie in &cookies[1..] {
        assert!(knows(&signed, cookie).await);
    }
    assert!(!knows(&signed, &cookies[0]).await, "without the option a signature is asked for");
}

#[tokio::test]
async fn f20_a_wrong_signature_is_refused_wherever_signatures_are_verified() {
    let store = store();
    let ring = KeyRing::new([OLD]).unwrap();
    let both = process(&store, |config| signing(&ring)(config).accept_unsigned(true));
    let foreign = process(&store, signing(&KeyRing::new([NEW]).unwrap()));
    assert!(!knows(&both, &begin(&foreign).await).await);
}
