//! Tokens for forms.

use cloakroom_races::{Browser, Kind, Stand, races};
use cloakroom_tower::{ErrorKind, Session};

use crate::{ask, log_in, renew};

races! {
    r25_a_csrf_token_is_good_for_its_session_only,
    r25_a_csrf_token_is_void_after_a_log_in_or_a_rotation_and_good_after_a_renewal,
    r25_no_two_csrf_tokens_have_bytes_in_common,
}

async fn token(browser: &Browser) -> String {
    browser.start(async |session: Session| Ok(session.csrf_token()?)).answer().await.ok().body
}

async fn accepts(browser: &Browser, token: &str) -> bool {
    let token = token.to_owned();
    let script = async move |session: Session| {
        let good = session.verify_csrf_token(&token);
        assert_eq!(session.require_csrf_token(Some(&token)).is_ok(), good);
        Ok(good.to_string())
    };
    browser.start(script).answer().await.ok().body == "true"
}

async fn r25_a_csrf_token_is_good_for_its_session_only(kind: Kind) {
    let stand = Stand::new(kind).await;
    let (alice, bob) = (stand.user("alice").await, stand.user("bob").await);
    let good = token(&alice).await;
    assert!(accepts(&alice, &good).await);
    assert!(!accepts(&bob, &good).await && !accepts(&stand.browser(), &good).await);
    for at in 0..good.len() {
        let mut bad = good.clone().into_bytes();
        bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
        let bad = String::from_utf8(bad).unwrap();
        // The last character's spare bits must be clear, or another spelling would be as good.
        assert!(!accepts(&alice, &bad).await, "character {at}");
    }
    for bad in ["", "A", &good[..42], &format!("{good}A"), &"A".repeat(43)] {
        assert!(!accepts(&alice, bad).await, "{bad:?}");
    }
    let refused = alice.start(async |session: Session| {
        let error = session.require_csrf_token(None).unwrap_err();
        Ok((error.kind() == ErrorKind::CsrfRejected).to_string())
    });
    assert_eq!(refused.answer().await.ok().body, "true");
    // A client without a session gets one with the token: a log-in form needs it too.
    let mut guest = stand.browser();
    let made = guest.run(async |session: Session| Ok(session.csrf_token()?)).await.ok();
    assert!(accepts(&guest, &made.body).await);
    assert_eq!(ask(&stand, "/look", &[guest.cookie().unwrap().into()]).await.body, "known");
}

async fn r25_a_csrf_token_is_void_after_a_log_in_or_a_rotation_and_good_after_a_renewal(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.guest().await;
    let before = token(&alice).await;
    alice.run(log_in).await.ok();
    let logged_in = token(&alice).await;
    alice.run(renew).await.ok();
    assert!(!accepts(&alice, &before).await && accepts(&alice, &logged_in).await);
    alice.run(async |session: Session| Ok(session.rotate_csrf_token()?)).await.ok();
    assert!(!accepts(&alice, &logged_in).await);
    let rotated = token(&alice).await;
    assert!(accepts(&alice, &rotated).await);
    alice.run(log_in).await.ok();
    assert!(!accepts(&alice, &rotated).await, "authenticating again is a log-in");
}

/// A page that is compressed together with what an attacker chose must not tell the secret byte by byte.
async fn r25_no_two_csrf_tokens_have_bytes_in_common(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    let mut tokens = Vec::new();
    for _ in 0..32 {
        tokens.push(token(&alice).await.into_bytes());
    }
    let constant = |at: usize| tokens.iter().all(|token| token[at] == tokens[0][at]);
    assert_eq!((0..43).find(|at| constant(*at)), None);
    let mut distinct = tokens.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), tokens.len());
}
