use std::time::Duration;

use cloakroom::ErrorKind;
use cloakroom::store::Clock as _;
use cloakroom_node::body::RESERVED;

use crate::stage::{ID, Stage, id_in};

const BROWSER: &str = r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}"#;

#[tokio::test]
async fn a_new_session_has_the_body_that_express_writes() {
    let stage = Stage::new();
    let outcome = stage.visit("", async |session| session.insert("views", 1).unwrap()).await;
    let id = id_in(&outcome.set_cookie.unwrap());
    assert_eq!(id.len(), 32);
    assert_eq!(stage.body_and_own(&id).0, format!(r#"{BROWSER},"views":1}}"#));

    let stage = Stage::with(|express| express.max_age(Duration::from_secs(3600)));
    let outcome = stage.visit("", async |session| session.insert("views", 1).unwrap()).await;
    let body = r#"{"cookie":{"originalMaxAge":3600000,"expires":"2026-01-01T01:00:00.000Z","httpOnly":true,"path":"/"},"views":1}"#;
    assert_eq!(stage.body_and_own(&id_in(&outcome.set_cookie.unwrap())).0, body);
}

#[tokio::test]
async fn what_node_has_written_is_read_and_kept_as_it_was() {
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let odd = format!(
        r#""lone":"\ud83d","zero":-0,"big":9007199254740993,"far":1e+21,"deep":{deep},"\ud83d":1,"id":"reserved","b":1,"a":2"#
    );
    let stage = Stage::new();
    stage.node_writes(&format!("{BROWSER},{odd},\"views\":1}}"));
    stage
        .visit(ID, async |session| {
            assert_eq!(session.get::<u32>("views").unwrap(), Some(1));
            assert_eq!(session.get::<u64>("big").unwrap(), Some(9_007_199_254_740_993));
            assert_eq!(session.get::<String>("lone").unwrap_err().kind(), ErrorKind::Decode);
            assert!(!session.contains("cookie") && !session.contains("id"));
            session.increment("views", 1).unwrap();
        })
        .await;
    assert_eq!(stage.body_and_own(ID).0, format!("{BROWSER},{odd},\"views\":2}}"));
}

#[tokio::test]
async fn a_request_that_only_reads_writes_nothing() {
    let stage = Stage::new();
    let body = format!("{BROWSER},\"views\":1}}");
    stage.node_writes(&body);
    let outcome = stage.visit(ID, async |session| assert!(session.contains("views"))).await;
    assert_eq!((stage.body(ID), outcome.set_cookie), (body, None));
}

#[tokio::test]
async fn what_a_session_knows_besides_its_values_takes_at_most_200_bytes() {
    let stage = Stage::with(|express| express.passport().max_age(Duration::from_secs(3600)));
    stage.node_writes(&format!("{BROWSER}}}"));
    for _ in 0..40 {
        stage.visit(ID, async |session| assert!(session.increment("n", 1).is_ok())).await;
    }
    let own = stage.body_and_own(ID).1;
    assert!(own.len() <= 200, "{} bytes", own.len());
}

#[tokio::test]
async fn a_session_that_node_began_keeps_its_public_id_and_csrf_secret() {
    let stage = Stage::new();
    stage.node_writes(&format!("{BROWSER},\"views\":1}}"));
    let mut seen = Vec::new();
    for writes in [false, false, true, false] {
        stage
            .visit(ID, async |session| {
                seen.push((session.public_id(), session.csrf_token().unwrap()));
                if writes {
                    session.insert("a", 1).unwrap();
                }
            })
            .await;
    }
    let token = seen[0].1.clone();
    assert!(seen.iter().all(|(handle, _)| *handle == seen[0].0));
    stage.visit(ID, async |session| assert!(session.verify_csrf_token(&token))).await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_left_alone_and_a_new_session_begins() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "\"text\"",
        "{}",
        r#"{"cookie":null}"#,
        r#"{"cookie":1,"a":2}"#,
        "\u{1}\u{1}",
        &nested,
        r#"{"ct":"AAAA","mac":"AAAA"}"#,
        r#"{"cookie":{},"a":1}{"cookie":{}}"#,
    ];
    for body in bodies {
        let stage = Stage::new();
        stage.node_writes(body);
        let outcome = stage
            .visit(ID, async |session| {
                assert!(session.is_new(), "{body:.20}");
                session.insert("views", 1).unwrap();
            })
            .await;
        assert_ne!(id_in(&outcome.set_cookie.unwrap()), ID);
        assert_eq!(stage.body(ID), body);
    }
}

#[tokio::test]
async fn the_literal_tombstone_is_not_a_session() {
    let stage = Stage::new();
    stage.node_writes("TOMBSTONE");
    stage.visit(ID, async |session| assert!(session.is_new())).await;
}

#[tokio::test]
async fn keys_that_a_node_session_cannot_have_are_refused() {
    let stage = Stage::new();
    stage
        .visit("", async |session| {
            for key in RESERVED.into_iter().chain(["__cloakroom"]) {
                assert_eq!(session.insert(key, 1).unwrap_err().kind(), ErrorKind::Invalid, "{key}");
                assert_eq!(session.push(key, 1).unwrap_err().kind(), ErrorKind::Invalid, "{key}");
                let updated = session.update(key, |old: Option<u32>| old.unwrap_or(1));
                assert_eq!(updated.unwrap_err().kind(), ErrorKind::Invalid, "{key}");
            }
            session.insert("then", 1).unwrap();
        })
        .await;
}

#[tokio::test]
async fn a_lifetime_of_the_sessions_own_is_kept() {
    let stage = Stage::with(|express| express.max_age(Duration::from_secs(3600)));
    for age in [604_800_000, 3_599_999, 60_000] {
        stage.node_writes(&format!(
            r#"{{"cookie":{{"originalMaxAge":{age},"expires":"2026-01-01T00:00:01.000Z","httpOnly":true,"path":"/"}}}}"#
        ));
        stage.visit(ID, async |session| session.insert("a", 1).unwrap()).await;
        assert!(stage.body(ID).contains(&format!("\"originalMaxAge\":{age},")), "{}", stage.body(ID));
        assert!(!stage.body(ID).contains("00:00:01"), "the date in the body moves with every write");
    }
}

#[tokio::test]
async fn flash_values_survive_the_body_and_last_one_request() {
    let stage = Stage::new();
    let outcome = stage.visit("", async |session| session.flash("info", "saved").unwrap()).await;
    let id = id_in(&outcome.set_cookie.unwrap());
    stage
        .visit(&id, async |session| {
            assert_eq!(session.get::<String>("info").unwrap().as_deref(), Some("saved"));
        })
        .await;
    stage.visit(&id, async |session| assert!(!session.contains("info"))).await;
}

#[tokio::test]
async fn a_write_that_node_made_meanwhile_is_merged() {
    let stage = Stage::new();
    stage.node_writes(&format!("{BROWSER},\"views\":1}}"));
    stage
        .visit(ID, async |session| {
            session.insert("ours", 1).unwrap();
            stage.node_writes(&format!("{BROWSER},\"views\":2,\"theirs\":true}}"));
        })
        .await;
    assert_eq!(stage.body_and_own(ID).0, format!("{BROWSER},\"views\":2,\"theirs\":true,\"ours\":1}}"));
}

#[tokio::test]
async fn what_node_writes_back_after_an_end_is_not_a_session() {
    let stage = Stage::new();
    let body = format!("{BROWSER},\"views\":1}}");
    stage.node_writes(&body);
    stage.visit(ID, async |session| session.destroy()).await;
    stage.node_writes(&body);
    stage.visit(ID, async |session| assert!(session.is_new())).await;
    assert_eq!(stage.bodies.get(ID), None);
}

#[tokio::test]
async fn an_expired_body_is_not_a_session() {
    let stage = Stage::new();
    stage.node_writes(&format!("{BROWSER},\"views\":1}}"));
    stage.clock.advance(Duration::from_secs(3601));
    assert!(stage.clock.now() > crate::stage::new_year());
    stage.visit(ID, async |session| assert!(session.is_new())).await;
}
