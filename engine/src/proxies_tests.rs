//! What proxies and clients say of a connection.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::stores::MemoryStore;
use crate::{Config, PlainRequest, Secure, SessionManager};

fn request(peer: Option<&str>, headers: &[(&str, &str)]) -> PlainRequest {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    PlainRequest {
        headers,
        peer: peer.map(|peer| peer.parse::<IpAddr>().unwrap()),
        ..PlainRequest::default()
    }
}

const XFP: &str = "x-forwarded-proto";
const XFF: &str = "x-forwarded-for";

#[test]
fn b4_the_word_of_the_outermost_proxy_is_found_from_the_right_whatever_a_client_puts_before_it() {
    let cases: [(usize, &[&str], bool); 10] = [
        (1, &["https"], true),
        (1, &["HTTPS "], true),
        (1, &["https, http"], false),
        (1, &["http", "https"], true),
        (2, &["http, https", "http"], true),
        (2, &["https, https, http, http"], false),
        (2, &["https"], false),
        (1, &[], false),
        (1, &["https,"], false),
        (1, &["httpsx"], false),
    ];
    for (hops, lines, expected) in cases {
        let headers: Vec<_> = lines.iter().map(|line| (XFP, *line)).collect();
        assert_eq!(ProxyTrust::hops(hops).came_over_https(&request(None, &headers)), expected, "{lines:?}");
    }
}

#[test]
fn b4_only_a_proxy_at_a_trusted_address_is_believed() {
    let trust = ProxyTrust::networks(["10.0.0.0/8", "fd00::/8", "192.0.2.7"]).unwrap();
    let says = [(XFP, "https")];
    for (peer, expected) in [
        (Some("10.1.2.3"), true),
        (Some("::ffff:10.1.2.3"), true),
        (Some("fd00::1"), true),
        (Some("192.0.2.7"), true),
        (Some("192.0.2.8"), false),
        (Some("2001:db8::1"), false),
        (None, false),
    ] {
        assert_eq!(trust.came_over_https(&request(peer, &says)), expected, "{peer:?}");
    }
    let tls = request(Some("192.0.2.8"), &[(XFP, "http")]).with_https(true);
    assert!(trust.came_over_https(&tls), "the connection itself is https, and no proxy is believed");
}

#[test]
fn b4_of_several_trusted_proxies_the_outermost_one_counts_and_what_the_client_forged_does_not() {
    let trust = ProxyTrust::networks(["10.0.0.0/8"]).unwrap();
    let seen = |addresses: &str, protos: &str| {
        trust.came_over_https(&request(Some("10.0.0.1"), &[(XFF, addresses), (XFP, protos)]))
    };
    assert!(seen("198.51.100.9, 10.0.0.2", "https, http"), "TLS ends at the outer proxy");
    assert!(!seen("198.51.100.9, 10.0.0.2", "https, http, http"), "the client wrote the first one");
    assert!(!seen("10.9.9.9, 198.51.100.9, 10.0.0.2", "https, http, http"), "an address of ours, forged");
    assert!(seen("198.51.100.9, 10.0.0.2", "https"), "the inner proxy replaces the header");
    assert!(!seen("nonsense, 10.0.0.2:4711", "http, https"), "of two proxies, the outer one says http");
}

#[test]
fn b4_forwarded_is_read_as_rfc_7239_writes_it() {
    let trust = ProxyTrust::networks(["10.0.0.0/8", "2001:db8::/32"]).unwrap().reading_forwarded();
    let seen = |lines: &[&str]| {
        let headers: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
        trust.came_over_https(&request(Some("10.0.0.1"), &headers))
    };
    assert!(seen(&["for=198.51.100.9;proto=https"]));
    assert!(seen(&[r#"For="198.51.100.9:80" ; Proto="https";by=_x"#]));
    assert!(seen(&[
        r#"for=198.51.100.9;proto=https;host="a,b;proto=http", for="[2001:db8::7]:80";proto=http"#
    ]));
    assert!(seen(&["for=198.51.100.9;proto=https", "for=10.0.0.2;proto=http"]));
    assert!(!seen(&["for=198.51.100.9;proto=https, for=203.0.113.1;proto=http"]));
    assert!(!seen(&["for=198.51.100.9"]) && !seen(&[r#"proto="https"#]) && !seen(&[]));
    let hidden = r#"for=1.2.3.4;proto=https;x=", for=198.51.100.9;proto=http"#;
    assert!(!seen(&[hidden]), "a client's quote hides nothing");
    let other = request(Some("10.0.0.1"), &[(XFP, "https")]);
    assert!(!trust.came_over_https(&other), "of the two headers one is read");
}

#[test]
fn b4_the_application_may_decide_and_one_that_panics_trusts_nothing() {
    let trust = ProxyTrust::application(|request| request.header("front-end-https") == Some(b"on"));
    assert!(trust.came_over_https(&request(None, &[("front-end-https", "on")])));
    assert!(!trust.came_over_https(&request(None, &[])));
    let panics = ProxyTrust::application(|_| panic!("as the test wants it"));
    assert!(!panics.came_over_https(&request(None, &[])));
}

#[test]
fn b4_contradictions_do_not_build_and_name_their_options() {
    let options = |config: Config| {
        let error = SessionManager::new(MemoryStore::new(), config.sweep_interval(None)).unwrap_err();
        error.options().to_vec()
    };
    let both = Config::plain_http().trust_forwarded_proto(true).trust_proxies(ProxyTrust::hops(1));
    assert_eq!(options(both), ["trust_forwarded_proto", "trust_proxies"]);
    assert_eq!(options(Config::plain_http().trust_proxies(ProxyTrust::hops(0))), ["trust_proxies"]);
    let none = ProxyTrust::networks(["10.0.0.0/8"; 0]).unwrap();
    assert_eq!(options(Config::plain_http().trust_proxies(none)), ["trust_proxies"]);
    for wrong in ["", "10.0.0", "10.0.0.0/33", "example.org", "::1/129"] {
        assert_eq!(ProxyTrust::networks([wrong]).unwrap_err().options(), ["trust_proxies"], "{wrong}");
    }
}

#[test]
fn b4_secure_follows_the_proxies() {
    let config = Config::plain_http().secure(Secure::Auto).sweep_interval(None);
    let engine = SessionManager::new(MemoryStore::new(), config.trust_proxies(ProxyTrust::hops(1))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (line, expected) in [("http, https", true), ("https, http", false)] {
        let pending = engine.begin(&request(None, &[(XFP, line)]));
        runtime.block_on(pending.load()).unwrap().insert("coat", "red").unwrap();
        let set = pending.try_finish().unwrap().set_cookie.unwrap();
        assert_eq!(set.contains("; Secure"), expected, "{line}");
    }
}

/// Pieces that look like one of the headers often enough to get somewhere.
fn header() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("https".to_owned()),
        Just("http".to_owned()),
        Just("proto=".to_owned()),
        Just("for=".to_owned()),
        Just("10.0.0.2".to_owned()),
        Just("\"".to_owned()),
        Just(",".to_owned()),
        Just(";".to_owned()),
        Just("\\".to_owned()),
        "[ -~]{0,6}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn b4_whatever_a_client_sends_the_trusted_proxy_that_adds_its_word_decides(
        forged in proptest::collection::vec(header(), 0..4),
        repeat in 1usize..40,
        is_https in any::<bool>(),
    ) {
        let word = if is_https { "https" } else { "http" };
        let forged: Vec<String> = forged.into_iter().map(|line| line.repeat(repeat)).collect();
        let lines = |name: &'static str, own: String| {
            let forged = forged.iter().map(move |line| (name, line.clone()));
            forged.chain([(name, own)]).collect::<Vec<_>>()
        };
        let mut headers = lines(XFP, word.to_owned());
        headers.extend(lines("forwarded", format!("for=198.51.100.9;proto={word}")));
        headers.extend(lines(XFF, "198.51.100.9".to_owned()));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let request = request(Some("10.0.0.1"), &headers);
        let networks = ProxyTrust::networks(["10.0.0.0/8"]).unwrap();
        for trust in [ProxyTrust::hops(1), networks] {
            prop_assert_eq!(trust.came_over_https(&request), is_https);
            prop_assert_eq!(trust.reading_forwarded().came_over_https(&request), is_https);
        }
    }
}
