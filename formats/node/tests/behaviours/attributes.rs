//! The options of express-session's cookie.

use cloakroom_node::body::{Dialect, Json, Object, StoredCookie};
use cloakroom_node::cookie::{Attributes, ExpressCookie, Priority};

use crate::stage::{BROWSER, Browser, HOUR, Stage, header};

const NOW: i64 = 1_767_225_600_000;

fn stored(attributes: &Attributes) -> StoredCookie<'static> {
    StoredCookie::new(attributes, NOW, Dialect::Express)
}

/// Returns what a new session with these options sends and stores.
async fn first_visit(attributes: Attributes) -> (String, String) {
    let stage = Stage::express(|express| express.attributes(attributes).unwrap());
    let mut browser = Browser::over_https();
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    (header(&outcome).to_owned(), stage.body(&browser))
}

#[tokio::test]
async fn e001_a_cookie_needs_no_options() {
    let (header, body) = first_visit(Attributes::default()).await;
    assert!(header.starts_with("connect.sid=s%3A") && header.ends_with("; Path=/; HttpOnly"), "{header}");
    assert!(body.starts_with(BROWSER.strip_suffix('}').unwrap()), "{body}");
}

#[test]
fn e002_a_cookie_expires_at_no_date_unless_one_is_set() {
    assert_eq!(Attributes::default().expires, None);
    assert_eq!(stored(&Attributes::default()).get("expires").map(Json::as_str), Some("null"));
}

#[test]
fn e003_a_cookie_is_http_only_unless_that_is_switched_off() {
    assert!(Attributes::default().http_only);
    assert_eq!(stored(&Attributes::default()).get("httpOnly").map(Json::as_str), Some("true"));
}

#[test]
fn e004_the_path_is_the_root_unless_one_is_set() {
    assert_eq!(Attributes::default().path.as_deref(), Some("/"));
    assert_eq!(stored(&Attributes::default()).get("path").map(Json::as_str), Some("\"/\""));
}

#[test]
fn e005_a_cookie_has_no_lifetime_unless_one_is_set() {
    assert_eq!(Attributes::default().max_age, None);
    assert_eq!(stored(&Attributes::default()).get("originalMaxAge").map(Json::as_str), Some("null"));
}

#[test]
fn e009_a_date_is_kept_as_it_was_given() {
    let attributes = Attributes { expires: Some(NOW + 12_345), ..Attributes::default() };
    assert_eq!(stored(&attributes).expires(), Some(NOW + 12_345));
}

#[test]
fn e010_a_date_reads_as_the_time_that_is_left() {
    let attributes = Attributes { expires: Some(NOW + 12_345), ..Attributes::default() };
    assert_eq!(stored(&attributes).max_age(), Some(12_345));
}

#[tokio::test]
async fn e011_http_only_can_be_switched_off() {
    let (header, body) = first_visit(Attributes { http_only: false, ..Attributes::default() }).await;
    assert!(!header.contains("HttpOnly"), "{header}");
    assert!(body.contains(r#""httpOnly":false"#), "{body}");
}

#[test]
fn e012_a_lifetime_sets_the_date() {
    let attributes = Attributes { max_age: Some(60_000), ..Attributes::default() };
    assert_eq!(stored(&attributes).expires(), Some(NOW + 60_000));
}

#[test]
fn e013_a_lifetime_reads_back_in_milliseconds() {
    let attributes = Attributes { max_age: Some(60_000), ..Attributes::default() };
    assert_eq!(stored(&attributes).max_age(), Some(60_000));
}

#[tokio::test]
async fn e016_partitioned_is_kept() {
    let (header, body) = first_visit(Attributes { partitioned: Some(true), ..Attributes::default() }).await;
    assert!(header.contains("; Partitioned"), "{header}");
    assert!(body.contains(r#""partitioned":true"#), "{body}");
}

#[tokio::test]
async fn e017_the_path_is_kept() {
    let (header, body) = first_visit(Attributes { path: Some("/foo".into()), ..Attributes::default() }).await;
    assert!(header.contains("; Path=/foo;"), "{header}");
    assert!(body.contains(r#""path":"/foo""#), "{body}");
}

#[tokio::test]
async fn e018_the_priority_is_kept() {
    let (header, body) =
        first_visit(Attributes { priority: Some(Priority::High), ..Attributes::default() }).await;
    assert!(header.contains("; Priority=High"), "{header}");
    assert!(body.contains(r#""priority":"high""#), "{body}");
}

#[tokio::test]
async fn e152_a_cookie_is_not_partitioned_unless_that_is_set() {
    let (header, _) = first_visit(Attributes::default()).await;
    assert!(!header.contains("Partitioned"), "{header}");
}

#[tokio::test]
async fn e153_a_cookie_is_not_partitioned_where_that_is_switched_off() {
    let (header, _) = first_visit(Attributes { partitioned: Some(false), ..Attributes::default() }).await;
    assert!(!header.contains("Partitioned"), "{header}");
}

#[tokio::test]
async fn e154_a_cookie_is_partitioned_where_that_is_switched_on() {
    let attributes = Attributes { partitioned: Some(true), secure: Some(true), ..Attributes::default() };
    let (header, _) = first_visit(attributes).await;
    assert!(header.ends_with("; Path=/; HttpOnly; Secure; Partitioned"), "{header}");
}

#[test]
fn e080_the_id_apple_has_the_cookie_that_express_session_gives_it() {
    let cookie = ExpressCookie::new("connect.sid", ["keyboard cat"]).unwrap();
    let value = "s%3Aapple.D8Y%2BpkTAmeR0PobOhY4G97PRW%2Bj7bUnP%2F5m6%2FOn1MCU";
    let written = cookie.write("apple", &Attributes::default(), NOW).unwrap();
    assert_eq!(written, format!("connect.sid={value}; Path=/; HttpOnly"));
}

#[tokio::test]
async fn e082_the_application_s_generator_is_given_the_request() {
    let id = |path: &str| format!("{path}%Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf");
    let stage = Stage::configured(
        |express| express,
        |config| config.id_generator(move |request| id(request.path().unwrap_or_default())),
    );
    let mut browser = Browser { path: Some("/cart"), ..Browser::default() };
    assert_eq!((stage.count(&mut browser).await, stage.count(&mut browser).await), (1, 2));
    assert_eq!(browser.id(), id("/cart"));
}

#[test]
fn e081_an_id_is_percent_encoded() {
    let cookie = ExpressCookie::new("connect.sid", ["keyboard cat"]).unwrap();
    let value = "s%3A%25.kzQ6x52kKVdF35Qh62AWk4ZekS28K5XYCXKa%2FOTZ01g";
    let written = cookie.write("%", &Attributes::default(), NOW).unwrap();
    assert_eq!(written, format!("connect.sid={value}; Path=/; HttpOnly"));
    assert_eq!(cookie.read([written.split(';').next().unwrap().as_bytes()]).into_sid().as_deref(), Some("%"));
}

#[tokio::test]
async fn e085_the_cookie_is_connect_sid_unless_it_has_another_name() {
    let (header, _) = first_visit(Attributes::default()).await;
    assert!(header.starts_with("connect.sid="), "{header}");
}

#[tokio::test]
async fn e086_the_cookie_has_the_name_that_is_set() {
    let stage = Stage::express(|express| express.name("session_id").unwrap().max_age(HOUR));
    let mut browser = Browser::default();
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    assert!(header(&outcome).starts_with("session_id=s%3A"), "{}", header(&outcome));
    assert_eq!(stage.count(&mut browser).await, 2);
}

#[tokio::test]
async fn e032_the_entries_of_a_session_are_the_values_and_nothing_else() {
    let stage = Stage::new();
    let mut browser = stage.node_writes(BROWSER);
    stage
        .visit(&mut browser, async |session| {
            session.insert("b", 2).unwrap();
            let entries = session.entries::<u32>().unwrap();
            assert_eq!(entries, [("views".to_owned(), 1), ("b".to_owned(), 2)]);
        })
        .await;
    let body = stage.body(&browser);
    let object = Object::parse(body.as_bytes()).unwrap();
    let names: Vec<_> =
        object.members().iter().filter_map(|member| member.name().as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["cookie", "views", "b", "__cloakroom"]);
}
