use cloakroom_node::Express;

use crate::stage::{ID, Stage, id_in};

const USER: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":7}}"#;

#[tokio::test]
async fn a_log_in_here_is_one_for_passport() {
    for (set, user) in [
        (Express::passport as fn(Express) -> Express, "{\"user\":\"7\"}"),
        (Express::passport_with_numbers, "{\"user\":7}"),
    ] {
        let stage = Stage::with(set);
        let outcome = stage.visit("", async |session| session.log_in("7").unwrap()).await;
        let id = id_in(&outcome.set_cookie.unwrap());
        assert!(stage.body(&id).contains(&format!("\"passport\":{user}")), "{}", stage.body(&id));
        stage.visit(&id, async |session| assert_eq!(session.user().as_deref(), Some("7"))).await;
    }
}

#[tokio::test]
async fn a_log_in_of_passport_is_one_here_and_keeps_its_bytes() {
    let stage = Stage::with(Express::passport);
    stage.node_writes(USER);
    stage
        .visit(ID, async |session| {
            assert_eq!(session.user().as_deref(), Some("7"));
            session.insert("a", 1).unwrap();
        })
        .await;
    assert!(stage.body(ID).contains(r#""passport":{"user":7}"#), "{}", stage.body(ID));
}

#[tokio::test]
async fn a_user_that_is_too_large_for_a_name_stays_logged_in_with_passport() {
    let stage = Stage::with(Express::passport);
    let user = format!(r#"{{"id":7,"about":"{}"}}"#, "x".repeat(300));
    stage.node_writes(&USER.replace('7', &user));
    stage
        .visit(ID, async |session| {
            assert_eq!(session.user(), None);
            session.insert("a", 1).unwrap();
        })
        .await;
    assert!(stage.body(ID).contains(&format!(r#""passport":{{"user":{user}}}"#)), "{}", stage.body(ID));
}

#[tokio::test]
async fn an_empty_passport_has_no_user() {
    let stage = Stage::with(Express::passport);
    stage.node_writes(&USER.replace(r#""user":7"#, ""));
    stage.visit(ID, async |session| assert_eq!(session.user(), None)).await;
}

#[tokio::test]
async fn without_passport_its_member_is_a_value_like_any_other() {
    let stage = Stage::new();
    stage.node_writes(USER);
    stage
        .visit(ID, async |session| {
            assert_eq!(session.user(), None);
            assert!(session.contains("passport"));
        })
        .await;
}

#[tokio::test]
async fn a_user_who_is_not_of_passport_is_kept_beside_the_values() {
    let stage = Stage::new();
    let outcome = stage.visit("", async |session| session.log_in("alice").unwrap()).await;
    let id = id_in(&outcome.set_cookie.unwrap());
    assert!(!stage.body(&id).contains("passport"));
    stage.visit(&id, async |session| assert_eq!(session.user().as_deref(), Some("alice"))).await;
}

#[tokio::test]
async fn a_log_in_gives_a_new_id_and_the_old_one_leads_nowhere() {
    let stage = Stage::with(Express::passport);
    let guest = stage.visit("", async |session| session.insert("cart", 1).unwrap()).await;
    let old = id_in(&guest.set_cookie.unwrap());
    let outcome = stage.visit(&old, async |session| session.log_in("7").unwrap()).await;
    let new = id_in(&outcome.set_cookie.unwrap());
    assert_ne!(old, new);
    stage.visit(&new, async |session| assert_eq!(session.get::<u32>("cart").unwrap(), Some(1))).await;
    stage.visit(&old, async |session| assert_eq!(session.user(), None)).await;
    assert!(!stage.body(&old).contains("cart") && !stage.body(&old).contains(&new));
}

#[tokio::test]
async fn a_renewed_id_leads_to_the_session_for_a_moment() {
    let stage = Stage::new();
    let guest = stage.visit("", async |session| session.insert("cart", 1).unwrap()).await;
    let old = id_in(&guest.set_cookie.unwrap());
    stage.visit(&old, async |session| session.cycle_id()).await;
    stage.visit(&old, async |session| assert_eq!(session.get::<u32>("cart").unwrap(), Some(1))).await;
}

#[tokio::test]
async fn a_session_of_a_user_ends_by_its_public_id_although_node_keeps_no_index_of_users() {
    let stage = Stage::with(Express::passport);
    stage.node_writes(USER);
    let mut public_id = None;
    stage.visit(ID, async |session| public_id = Some(session.public_id().unwrap())).await;
    let sessions = stage.engine.sessions();
    assert!(sessions.revoke_by_id(&public_id.unwrap()).await.unwrap());
    assert!(!sessions.revoke_by_id(&public_id.unwrap()).await.unwrap());
    stage.visit(ID, async |session| assert_eq!(session.user(), None)).await;
}
