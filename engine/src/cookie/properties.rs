//! Cookie headers that no browser sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{Config, Event, RejectReason, RequestHead, SessionManager, stores::MemoryStore};

/// A request with any bytes for cookies.
struct Hostile(Vec<Vec<u8>>);

impl RequestHead for Hostile {
    fn cookies(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
    fn forwarded_proto(&self) -> Option<&[u8]> {
        None
    }
    fn is_https(&self) -> bool {
        true
    }
}

/// Bytes that look like a cookie header often enough to get somewhere.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"id".to_vec()),
        4 => Just(b"=".to_vec()),
        4 => Just(b";".to_vec()),
        2 => Just(b"\"".to_vec()),
        2 => Just(b" ".to_vec()),
        2 => Just(b"\t".to_vec()),
        2 => "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]".prop_map(String::into_bytes),
        3 => vec(any::<u8>(), 0..6),
    ];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// The same rules in other words: split, trim, take one pair of quotes off.
fn read_slowly(name: &str, header: &[u8]) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for pair in header.split(|byte| *byte == b';') {
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        if pair[..equals].trim_ascii() != name.as_bytes() {
            continue;
        }
        let mut value = pair[equals + 1..].trim_ascii();
        if value.len() >= 2 && value[0] == b'"' && value[value.len() - 1] == b'"' {
            value = &value[1..value.len() - 1];
        }
        values.push(value.to_vec());
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_header_is_read_by_the_rules(header in header()) {
        let read: Vec<Vec<u8>> = values_of("id", &header).map(<[u8]>::to_vec).collect();
        prop_assert_eq!(read, read_slowly("id", &header));
    }

    #[test]
    fn any_value_is_an_id_or_refused_and_an_id_is_written_as_it_was_read(value in vec(any::<u8>(), 0..100)) {
        let signed = Codec::Signed(KeyRing::new(["a secret of at least 32 bytes, from a vault"]).unwrap());
        prop_assert!(signed.read("id", &value).is_err(), "a signature cannot be guessed");
        if let Ok(id) = Codec::Plain.read("id", &value) {
            prop_assert_eq!(id.expose().as_bytes(), &value[..SessionId::LEN]);
        }
    }

    #[test]
    fn a_request_with_any_cookies_is_served_and_looks_up_three_ids_at_most(headers in vec(header(), 0..6)) {
        let looked = Arc::new(AtomicUsize::new(0));
        let count = looked.clone();
        let config = Config::plain_http().cookie_name("id").sweep_interval(None).observer(move |event: &Event| {
            if *event == (Event::Rejected { reason: RejectReason::Unknown }) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let engine = SessionManager::new(MemoryStore::new(), config).unwrap();
        let pending = engine.begin(&Hostile(headers));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let session = runtime.block_on(pending.load()).unwrap();
        prop_assert!(session.is_new(), "no public function takes an id from the client and makes a session of it");
        prop_assert!(looked.load(Ordering::Relaxed) <= 3);
        let outcome = runtime.block_on(pending.commit()).unwrap();
        prop_assert_eq!(outcome.set_cookie, None);
    }
}
