use cloakroom_store::ErrorKind;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Binary, Bson, DateTime, bson, doc, spec::BinarySubtype};

use super::Form::{self, Document, Text};

fn refused(text: &str, before: Option<&Bson>) -> ErrorKind {
    Document.write(text, before).expect_err(text).kind()
}

/// Writes a text in the place of a session, and reads it again.
fn kept(text: &str, before: &Bson) -> (Bson, String) {
    let session = Document.write(text, Some(before)).unwrap_or_else(|error| panic!("{text}: {error}"));
    let read = Document.read(&session).unwrap();
    (session, read)
}

#[test]
fn values_have_the_types_that_mongodbs_client_for_node_gives_them() {
    let text = r#"{"cookie":{"originalMaxAge":60000,"expires":"2026-01-01T00:01:00.000Z","path":"/"},"a":[null,true,-1,1.5,"é😀\u0000\n"],"time":1767225600000,"large":9007199254740993,"zero":-0,"":{}}"#;
    let due = doc! {
        "cookie": { "originalMaxAge": 60_000, "expires": DateTime::from_millis(1_767_225_660_000), "path": "/" },
        "a": [null, true, -1, 1.5, "é😀\0\n"],
        "time": 1_767_225_600_000.0,
        "large": 9_007_199_254_740_993_i64,
        "zero": -0.0,
        "": {},
    };
    let session = Document.write(text, None).unwrap();
    assert_eq!(session, Bson::Document(due));
    assert_eq!(Document.read(&session).unwrap(), text);
}

#[test]
fn a_date_is_a_text_as_javascript_writes_it_and_only_the_cookies_is_made_of_one() {
    let date = |millis: i64| Bson::DateTime(DateTime::from_millis(millis));
    for (millis, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_767_225_600_120, "2026-01-01T00:00:00.120Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ] {
        let session = bson!({ "at": date(millis), "cookie": { "expires": date(millis) } });
        let json = format!(r#"{{"at":"{text}","cookie":{{"expires":"{text}"}}}}"#);
        assert_eq!(Document.read(&session).unwrap(), json);
        let made = bson!({ "at": text, "cookie": { "expires": date(millis) } });
        assert_eq!(Document.write(&json, None).unwrap(), made);
    }
    for text in ["soon", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00.000+01:00"] {
        let made = Document.write(&format!(r#"{{"cookie":{{"expires":"{text}"}}}}"#), None).unwrap();
        assert_eq!(made, bson!({ "cookie": { "expires": text } }), "it would come back as another text");
    }
}

#[test]
fn what_does_not_change_keeps_its_type() {
    let (date, id) =
        (Bson::DateTime(DateTime::from_millis(5)), Bson::ObjectId(ObjectId::from_bytes([7; 12])));
    let before = bson!({
        "cookie": { "expires": null },
        "passport": { "user": id.clone() },
        "visits": [{ "at": date.clone(), "n": 1_i64 }, { "at": date.clone(), "n": 2 }],
        "views": 1,
        "odd": f64::NAN,
    });
    let text = Document.read(&before).unwrap();
    assert!(
        text.contains(r#""user":"070707070707070707070707""#) && text.contains(r#""odd":null"#),
        "{text}"
    );
    assert_eq!(format!("{:?}", kept(&text, &before).0), format!("{before:?}"));
    for (change, to) in [
        (r#""views":1"#, r#""views":2"#),
        // Within an item, a new item behind the others, an item less, and another order.
        (r#""n":1}"#, r#""n":10}"#),
        (r#""n":2}]"#, r#""n":2},{"n":3}]"#),
        (r#"{"at":"1970-01-01T00:00:00.005Z","n":1},"#, ""),
        (r#"[{"at""#, r#"[{"n":0},{"at""#),
    ] {
        let changed = text.replace(change, to);
        assert_ne!(changed, text, "{change}");
        let (session, read) = kept(&changed, &before);
        assert_eq!(read, changed);
        let session = session.as_document().unwrap();
        assert_eq!(session.get_document("passport").unwrap().get("user"), Some(&id));
        for item in session.get_array("visits").unwrap() {
            let at = item.as_document().unwrap().get("at");
            assert!(at.is_none_or(|at| *at == date), "{change}: {item}");
        }
    }
}

#[test]
fn a_date_that_would_become_a_text_is_refused() {
    let before = bson!({ "visits": [{ "at": DateTime::from_millis(5), "n": 1 }] });
    let text = Document.read(&before).unwrap();
    let moved_and_changed = text.replace(r#"[{"at""#, r#"[{"n":0},{"at""#).replace(r#""n":1"#, r#""n":2"#);
    assert_eq!(refused(&moved_and_changed, Some(&before)), ErrorKind::Invalid);
    let (copied, _) =
        kept(&text.replace(r#"{"visits""#, r#"{"b":"1970-01-01T00:00:00.005Z","visits""#), &before);
    let copied = copied.as_document().unwrap();
    assert_eq!(copied.get("b"), Some(&bson!("1970-01-01T00:00:00.005Z")), "a copy is a text");
    kept(r#"{"visits":[]}"#, &before);
}

#[test]
fn what_a_document_cannot_keep_is_refused() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(150), "]".repeat(150));
    for text in [
        "[]",
        "1",
        "",
        "{",
        r#"{"a":1,"a":1}"#,
        r#"{"a\u0000":1}"#,
        r#"{"a":"\ud83d"}"#,
        r#"{"a":12345678901234567890123}"#,
        r#"{"a":18446744073709551615}"#,
        r#"{"a":1e999}"#,
        r#"{"a":nothing}"#,
        r#"{"a":1,}"#,
        &deep,
    ] {
        assert_eq!(refused(text, None), ErrorKind::Invalid, "{text}");
    }
}

#[test]
fn a_type_that_json_lacks_is_an_error_and_nothing_is_lost() {
    let bytes = Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: vec![1] });
    let foreign = [bytes, Bson::Undefined, Bson::MaxKey, Bson::DateTime(DateTime::from_millis(i64::MAX))];
    for value in foreign {
        let error = Document.read(&bson!({ "a": [value.clone()] })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{value}");
    }
}

#[test]
fn a_session_of_the_other_form_is_an_error_that_names_the_option() {
    for (form, session) in [(Text, bson!({})), (Document, bson!("{}")), (Form::Text, Bson::Undefined)] {
        let error = form.read(&session).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup);
        assert!(error.to_string().contains("stringify"), "{error}");
    }
}

#[test]
fn numbers_come_back_as_the_same_values() {
    for number in [
        "0",
        "-1",
        "2147483648",
        "-2147483649",
        "1e21",
        "1.5e300",
        "1e-7",
        "0.1",
        "5e-324",
        "123456789012345680",
    ] {
        let text = format!(r#"{{"a":{number}}}"#);
        let read = Document.read(&Document.write(&text, None).unwrap()).unwrap();
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["a"].as_f64();
        assert_eq!(value(&read), value(&text), "{read}");
        assert_eq!(
            Document.read(&Document.write(&read, None).unwrap()).unwrap(),
            read,
            "and then nothing changes"
        );
    }
}
