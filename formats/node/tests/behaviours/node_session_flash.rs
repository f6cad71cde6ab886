//! The flash values of node-session, in its bodies.

use cloakroom_node::body::{Json, Object};
use cloakroom_node::node_session::Flash;

/// Returns a body after a change.
fn after(body: &str, change: impl FnOnce(&mut Object<'_>)) -> String {
    let mut body = Object::parse(body.as_bytes()).unwrap();
    change(&mut body);
    body.to_text().into_owned()
}

#[test]
fn n62_the_end_of_a_request_ages_flash_values() {
    let aged = after(r#"{"m":1,"flash":{"old":[],"new":["m"]}}"#, |body| Flash::age(body).unwrap());
    assert_eq!(aged, r#"{"m":1,"flash":{"old":["m"],"new":[]}}"#);
}

#[test]
fn n64_old_values_go_new_ones_become_old_and_none_are_new() {
    let body = r#"{"o":1,"n":2,"other":3,"flash":{"old":["o"],"new":["n"]}}"#;
    let aged = after(body, |body| Flash::age(body).unwrap());
    assert_eq!(aged, r#"{"n":2,"other":3,"flash":{"old":["n"],"new":[]}}"#);
}

#[test]
fn n65_no_flash_value_is_old_at_first() {
    assert!(Flash::of(&Object::default()).unwrap().old().is_empty());
}

#[test]
fn n72_a_flash_value_is_set_listed_as_new_and_no_longer_old() {
    let flashed = after(r#"{"flash":{"old":["m","o"],"new":[]}}"#, |body| {
        Flash::add(body, "m", Json::string("saved")).unwrap();
    });
    assert_eq!(flashed, r#"{"flash":{"old":["o"],"new":["m"]},"m":"saved"}"#);
}

#[test]
fn n73_all_old_values_are_kept_for_one_more_request() {
    let kept = after(r#"{"flash":{"old":["a","b"],"new":["n"]}}"#, |body| Flash::keep_all(body).unwrap());
    assert_eq!(kept, r#"{"flash":{"old":[],"new":["n","a","b"]}}"#);
}

#[test]
fn n74_one_old_value_is_kept_for_one_more_request() {
    let kept = after(r#"{"flash":{"old":["a","b"],"new":[]}}"#, |body| Flash::keep(body, &["a"]).unwrap());
    assert_eq!(kept, r#"{"flash":{"old":["b"],"new":["a"]}}"#);
}

#[test]
fn n75_several_old_values_are_kept_for_one_more_request() {
    let body = r#"{"flash":{"old":["a","b","c"],"new":[]}}"#;
    let kept = after(body, |body| Flash::keep(body, &["a", "c"]).unwrap());
    assert_eq!(kept, r#"{"flash":{"old":["b"],"new":["a","c"]}}"#);
}
