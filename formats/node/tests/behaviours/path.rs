//! Sessions inside of the cookie's path, and none outside.

use cloakroom::ErrorKind;
use cloakroom_node::cookie::Attributes;
use cloakroom_node::{Express, Koa, SocialTables};

use crate::stage::{Browser, Stage, sent};
use crate::watched::Asked;

fn express() -> Stage {
    Stage::express(|express| express.path("/foo/bar".to_owned()).unwrap())
}

fn koa() -> Stage {
    Stage::koa(|koa| koa.attributes(under("/session")).unwrap(), |config| config)
}

fn under(path: &str) -> Attributes {
    Attributes { path: Some(path.to_owned()), ..Attributes::default() }
}

/// Returns whether a request for `path` has a session, and gets its cookie.
async fn has_session(stage: &Stage, path: &'static str) -> bool {
    let mut browser = Browser { path: Some(path), ..Browser::default() };
    let visit = stage.try_visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    match visit {
        Ok(outcome) => {
            assert!(!sent(&outcome).is_empty(), "{path}");
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{path}");
            assert_eq!(stage.bodies.count(Asked::Write), 0);
            false
        }
    }
}

#[tokio::test]
async fn e055_outside_of_the_path_there_is_no_session() {
    assert!(!has_session(&express(), "/").await);
}

#[tokio::test]
async fn e057_a_path_below_the_cookie_s_has_a_session() {
    assert!(has_session(&express(), "/foo/bar").await);
}

#[tokio::test]
async fn e058_a_path_further_below_has_one_too() {
    assert!(has_session(&express(), "/foo/bar/baz").await);
}

#[tokio::test]
async fn e060_the_path_must_begin_with_the_cookie_s() {
    assert!(!has_session(&express(), "/foo/foo/bar").await);
}

#[tokio::test]
async fn a_request_outside_of_the_path_is_served_without_a_cookie_if_its_handler_asks_for_no_session() {
    for rolling in [false, true] {
        let stage = Stage::express(|it| it.path("/foo".to_owned()).unwrap().rolling(rolling));
        let pending = stage.engine.begin(&Browser { path: Some("/"), ..Browser::default() }.request());
        assert!(sent(&pending.commit().await.unwrap()).is_empty());
        assert_eq!(stage.bodies.count(Asked::Read), 0);
    }
}

#[tokio::test]
async fn a_request_of_an_unknown_path_has_a_session() {
    let (stage, mut browser) = (express(), Browser::default());
    assert_eq!(stage.count(&mut browser).await, 1);
}

#[tokio::test]
async fn k39_outside_of_the_path_there_is_no_session() {
    assert!(!has_session(&koa(), "/wrongpath").await);
}

#[tokio::test]
async fn k41_the_root_is_outside_of_a_longer_path() {
    assert!(!has_session(&koa(), "/").await);
}

#[tokio::test]
async fn k42_inside_of_the_path_there_is_a_session() {
    assert!(has_session(&koa(), "/session/deeper").await);
}

#[tokio::test]
async fn st5_outside_of_the_path_there_is_no_cookie() {
    let stage = Stage::social_tables(|social| social.attributes(under("/foo/bar")).unwrap());
    assert!(!has_session(&stage, "/").await);
}

#[tokio::test]
async fn st7_inside_of_the_path_there_is_a_cookie() {
    let stage = Stage::social_tables(|social| social.attributes(under("/foo/bar")).unwrap());
    assert!(has_session(&stage, "/foo/bar/baz").await);
}

#[test]
fn a_path_that_no_cookie_can_have_is_refused_by_every_preset() {
    let bad = || under("/;");
    assert!(Express::new(["secret"]).unwrap().attributes(bad()).is_err());
    assert!(Koa::new(["secret"]).unwrap().attributes(bad()).is_err());
    assert!(SocialTables::new(["secret"]).unwrap().attributes(bad()).is_err());
}
