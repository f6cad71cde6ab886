use std::time::Duration;

use cloakroom::format::{MemberKind, Payload};
use cloakroom::store::{Body, Bytes, Record, Timestamp, Version};
use proptest::prelude::*;

use super::{NodeSessionBody, own_state};
use crate::body::{Json, Object};
use crate::node_session::{Encrypter, is_session_id};
use crate::store::Translate as _;

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn format(encrypt: bool) -> NodeSessionBody {
    let encrypters = ["new", "old"].map(Encrypter::new).to_vec();
    NodeSessionBody { lifetime: Duration::from_secs(300), encrypters, encrypt }
}

fn body(text: &str) -> Body {
    let bytes = Bytes::from(text.to_owned());
    Body::new(bytes, NOW + Duration::from_secs(300), Version::new(1))
}

fn record(payload: Bytes) -> Record {
    Record::new(payload, NOW + Duration::from_secs(300))
}

/// Reads a body, and writes it again.
fn again(format: &NodeSessionBody, text: &str) -> String {
    let read = format.read(ID, &body(text)).unwrap();
    let Some(Payload::Session(facts, members)) = Payload::decode(&read.payload) else { panic!("no session") };
    let written = format.write(&facts, &members, &record(read.payload.clone()));
    String::from_utf8(written.unwrap()).unwrap()
}

/// Returns a body without our own member, which comes last.
fn without_own(text: &str) -> String {
    let mut object = Object::parse(text.as_bytes()).unwrap();
    object.remove(own_state::KEY).expect("our own member is there");
    object.to_text().into_owned()
}

fn kinds(text: &str) -> Vec<(MemberKind, String)> {
    let read = format(false).read(ID, &body(text)).unwrap();
    let Some(Payload::Session(_, members)) = Payload::decode(&read.payload) else { panic!("no session") };
    members.iter().map(|member| (member.kind, member.key.to_owned())).collect()
}

#[test]
fn a_body_that_node_has_written_comes_back_with_our_own_member_behind_it() {
    for text in [
        r#"{"_token":"t","views":1,"flash":{"old":[],"new":[]}}"#,
        r#"{"flash":{"new":["b"],"old":["a"]},"a":1,"_token":"t","b":"\ud83d"}"#,
        r#"{"_token":"t","flash":{"old":["gone"],"new":[]},"odd\ud83d":1.50}"#,
    ] {
        let written = again(&format(false), text);
        let expected = text.replace(r#"["gone"]"#, "[]");
        assert_eq!(without_own(&written), expected);
        assert_eq!(again(&format(false), &written), written, "and then nothing changes");
    }
}

#[test]
fn names_in_old_are_flash_values_of_the_last_commit_and_names_in_new_of_the_next() {
    let found = kinds(r#"{"a":1,"b":2,"c":3,"flash":{"old":["a"],"new":["b"]}}"#);
    let expected = [
        (MemberKind::Flash { born: 0 }, "a".to_owned()),
        (MemberKind::Flash { born: 1 }, "b".to_owned()),
        (MemberKind::Value, "c".to_owned()),
        (MemberKind::Foreign, "\"flash\"".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_body_without_a_token_gets_one_and_lists_for_flash_values() {
    let written = without_own(&again(&format(false), r#"{"views":1}"#));
    let object = Object::parse(written.as_bytes()).unwrap();
    assert!(is_session_id(&object.get("_token").unwrap().as_text().unwrap()), "{written}");
    assert!(written.ends_with(r#","views":1,"flash":{"old":[],"new":[]}}"#), "{written}");
    assert!(written.starts_with(r#"{"_token":""#), "{written}");
}

#[test]
fn a_flash_of_another_kind_is_an_empty_one() {
    for flash in ["\"V\"", "null", "{\"old\":5}"] {
        let text = format!("{{\"_token\":\"t\",\"a\":1,\"flash\":{flash}}}");
        assert!(kinds(&text).contains(&(MemberKind::Value, "a".to_owned())));
        let written = without_own(&again(&format(false), &text));
        assert_eq!(written, text, "what was stored stays while there is no flash value");
    }
}

#[test]
fn what_cannot_be_read_is_handed_on() {
    for text in ["", "[]", r#"{"_token":"#, r#"{"ct":"AAAA","mac":"AAAA"}"#, "TOMBSTONE"] {
        let read = format(false).read(ID, &body(text)).unwrap();
        assert!(Payload::decode(&read.payload).is_none(), "{text}");
    }
}

#[test]
fn an_encrypted_body_is_read_with_any_secret_and_written_only_if_asked() {
    let text = r#"{"_token":"t","views":1,"flash":{"old":[],"new":[]}}"#;
    let sealed = Encrypter::new("old").seal(text);
    assert_eq!(without_own(&again(&format(false), &sealed)), text);
    let written = again(&format(true), &sealed);
    assert_eq!(without_own(&Encrypter::new("new").open(&written).unwrap()), text);
    assert!(format(true).read(ID, &body(text)).is_some_and(|read| Payload::decode(&read.payload).is_some()));
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        ".{0,5}".prop_map(|text| Json::string(&text).as_str().to_owned()),
        Just(r#"{"b":[1,{"a":"\ud83d"}],"a":-0}"#.to_owned()),
    ]
}

proptest! {
    #[test]
    fn every_member_keeps_its_place_and_its_bytes(
        values in prop::collection::vec(("[a-z.é\"]{1,3}", value(), 0..4_u8), 0..12),
        flash_at in 0..12_usize,
    ) {
        let mut object = Object::default();
        object.set("_token", Json::string("t"));
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (place, (key, value, kind)) in values.iter().enumerate() {
            if place == flash_at {
                object.set("flash", Json::NULL);
            }
            if object.get(key).is_none() {
                object.set(key, Json::parse(value).unwrap().into_owned());
                match kind {
                    0 => old.push(Json::string(key)),
                    1 => new.push(Json::string(key)),
                    _ => {}
                }
            }
        }
        let mut lists = Object::default();
        lists.set("new", Json::array(&new));
        lists.set("old", Json::array(&old));
        object.set("flash", Json::object(&lists));
        let text = object.to_text().into_owned();
        prop_assert_eq!(without_own(&again(&format(false), &text)), text);
    }
}
