//! Header snapshots and configurations that contradict themselves.

use super::*;

fn id() -> SessionId {
    SessionId::from_random(&[0; 32])
}

/// A cookie of so long a life, decided at any time, and the configured `SameSite`.
fn lasting(max_age: Option<Duration>) -> CookieLifetime {
    CookieLifetime { from: crate::Timestamp::EPOCH, max_age, same_site: None }
}

fn set(attributes: &Attributes, https: bool) -> String {
    let template = attributes.template(&Codec::Plain).unwrap();
    template.set_for(&Codec::Plain, &id(), lasting(Some(Duration::from_secs(60))), https)
}

const A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn r16_the_default_name_has_the_strictest_prefix_that_fits() {
    let name = |attributes: &Attributes| attributes.template(&Codec::Plain).unwrap().name;
    let host = Attributes::default();
    assert_eq!(&*name(&host), "__Host-session");
    assert_eq!(
        &*name(&Attributes { domain: Some("example.org".into()), ..host.clone() }),
        "__Secure-session"
    );
    assert_eq!(&*name(&Attributes { path: Some("/app".into()), ..host.clone() }), "__Secure-session");
    assert_eq!(&*name(&Attributes { secure: Secure::Never, ..host }), "session");
}

#[test]
fn r17_the_defaults_are_http_only_secure_and_lax() {
    assert_eq!(
        set(&Attributes::default(), false),
        format!("__Host-session={A}; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax")
    );
}

#[test]
fn b2_every_attribute_is_written_as_configured() {
    let attributes = Attributes {
        name: Some("__Secure-x".into()),
        path: Some("/app".into()),
        domain: Some("example.org".into()),
        secure: Secure::Always,
        http_only: false,
        same_site: Some(SameSite::None),
        partitioned: true,
        ..Attributes::default()
    };
    assert_eq!(
        set(&attributes, true),
        format!(
            "__Secure-x={A}; Max-Age=60; Path=/app; Domain=example.org; Secure; SameSite=None; Partitioned"
        )
    );
}

#[test]
fn b3_secure_auto_follows_the_request_and_same_site_is_as_configured() {
    let auto =
        Attributes { secure: Secure::Auto, same_site: Some(SameSite::Strict), ..Attributes::default() };
    assert!(set(&auto, true).ends_with("; Path=/; HttpOnly; Secure; SameSite=Strict"));
    assert!(set(&auto, false).ends_with("; Path=/; HttpOnly; SameSite=Strict"));
    let silent = Attributes { same_site: None, ..Attributes::default() };
    assert!(!set(&silent, true).contains("SameSite"));
}

#[test]
fn r20_the_removal_repeats_path_domain_and_flags() {
    let attributes = Attributes { domain: Some("example.org".into()), ..Attributes::default() };
    assert_eq!(
        attributes.template(&Codec::Plain).unwrap().remove(false),
        "__Secure-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Domain=example.org; HttpOnly; Secure; SameSite=Lax"
    );
}

#[test]
fn r16_f28_a_contradiction_names_both_options() {
    let host = |name: &str| Attributes { name: Some(name.into()), ..Attributes::default() };
    let contradictions = [
        (Attributes { secure: Secure::Auto, ..host("__Host-x") }, ["cookie_name", "secure"]),
        (Attributes { secure: Secure::Never, ..host("__sEcUrE-x") }, ["cookie_name", "secure"]),
        (Attributes { domain: Some("a.b".into()), ..host("__HOST-x") }, ["cookie_name", "cookie_domain"]),
        (Attributes { path: Some("/x".into()), ..host("__Host-x") }, ["cookie_name", "cookie_path"]),
        (
            Attributes { same_site: Some(SameSite::None), secure: Secure::Never, ..Attributes::default() },
            ["same_site", "secure"],
        ),
        (
            Attributes { partitioned: true, secure: Secure::Auto, ..Attributes::default() },
            ["partitioned", "secure"],
        ),
        (
            Attributes { same_site: Some(SameSite::None), secure: Secure::Auto, ..Attributes::default() },
            ["same_site", "secure"],
        ),
        (Attributes { partitioned: true, ..Attributes::default() }, ["partitioned", "same_site"]),
        (
            Attributes { partitioned: true, same_site: None, ..Attributes::default() },
            ["partitioned", "same_site"],
        ),
        (Attributes { http_only: false, ..host("__Http-x") }, ["cookie_name", "http_only"]),
        (Attributes { secure: Secure::Auto, ..host("__Http-x") }, ["cookie_name", "secure"]),
        (Attributes { http_only: false, ..host("__host-http-x") }, ["cookie_name", "http_only"]),
        (Attributes { path: Some("/x".into()), ..host("__Host-Http-x") }, ["cookie_name", "cookie_path"]),
        (
            Attributes { domain: Some("a.b".into()), ..host("__Host-Http-x") },
            ["cookie_name", "cookie_domain"],
        ),
    ];
    for (attributes, options) in contradictions {
        assert_eq!(attributes.template(&Codec::Plain).unwrap_err().options(), options, "{attributes:?}");
    }
}

#[test]
fn r18_name_and_value_have_at_most_4096_bytes_and_an_attribute_1024() {
    let named = |length: usize| Attributes { name: Some("n".repeat(length)), ..Attributes::default() };
    assert!(named(4096 - 43).template(&Codec::Plain).is_ok());
    assert!(named(4096 - 42).template(&Codec::Plain).is_err());
    let path = |length: usize| Attributes { path: Some("/".repeat(length)), ..Attributes::default() };
    assert!(path(1024).template(&Codec::Plain).is_ok());
    assert!(path(1025).template(&Codec::Plain).is_err());
}

#[test]
fn r18_max_age_is_at_most_400_days() {
    let template = Attributes::default().template(&Codec::Plain).unwrap();
    assert!(
        template
            .set_for(&Codec::Plain, &id(), lasting(Some(Duration::MAX)), true)
            .contains("Max-Age=34560000;")
    );
    assert!(!template.set_for(&Codec::Plain, &id(), lasting(None), true).contains("Max-Age"));
}

#[test]
fn no_option_can_smuggle_an_attribute_or_a_header() {
    for evil in ["", "a b", "a;b", "a=b", "a\r\nb", "é"] {
        let named = Attributes { name: Some(evil.into()), ..Attributes::default() };
        assert_eq!(named.template(&Codec::Plain).unwrap_err().options(), ["cookie_name"], "{evil:?}");
    }
    for evil in ["", "x", "/a; Domain=evil", "/\r\nSet-Cookie: x", "/é"] {
        let at = Attributes { path: Some(evil.into()), ..Attributes::default() };
        assert_eq!(at.template(&Codec::Plain).unwrap_err().options(), ["cookie_path"], "{evil:?}");
    }
}
