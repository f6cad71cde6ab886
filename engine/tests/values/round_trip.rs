//! What is inserted is read back the same, or refused.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use cloakroom::{ErrorKind, Session};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Site;

/// A session that is stored nowhere yet.
fn session() -> Session {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Site::new(|session| session.insert("a", 1).unwrap()).await.request().await.1 })
}

/// Inserts a value in each way there is, and reads it back.
fn reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let session = session();
    session.insert("key", value).unwrap();
    assert_eq!(session.get::<T>("key").unwrap().as_ref(), Some(value));
    session.path("map.a.b").insert(value).unwrap();
    session.path("map.a.c").insert(1).unwrap();
    assert_eq!(session.path("map.a.b").get::<T>().unwrap().as_ref(), Some(value));
    session.push("list", value).unwrap();
    session.push("list", value).unwrap();
    assert_eq!(session.path("list.1").get::<T>().unwrap().as_ref(), Some(value));
    assert_eq!(session.get::<Vec<T>>("list").unwrap().unwrap().last(), Some(value));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Colour {
    Green,
    #[serde(rename = "a \"quoted\"\\.name")]
    Odd,
}

/// Floats by their bits, so that every one is as likely as any other.
fn finite(bits: u64) -> f64 {
    Some(f64::from_bits(bits)).filter(|float| float.is_finite()).unwrap_or(-0.0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f16_a_float_of_64_bits_reads_back_to_the_bit(bits in proptest::collection::vec(any::<u64>(), 64)) {
        let session = session();
        let floats: Vec<f64> = bits.into_iter().map(finite).collect();
        session.insert("all", &floats).unwrap();
        let read: Vec<f64> = session.get("all").unwrap().unwrap();
        let bits = |floats: &[f64]| floats.iter().map(|float| float.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read), bits(&floats));
    }

    #[test]
    fn f16_a_float_of_32_bits_reads_back_to_the_bit(bits in proptest::collection::vec(any::<u32>(), 64)) {
        let session = session();
        let float = |bits| Some(f32::from_bits(bits)).filter(|float| float.is_finite()).unwrap_or(-0.0);
        let floats: Vec<f32> = bits.into_iter().map(float).collect();
        session.insert("all", &floats).unwrap();
        let read: Vec<f32> = session.get("all").unwrap().unwrap();
        let bits = |floats: &[f32]| floats.iter().map(|float| float.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read), bits(&floats));
    }

    #[test]
    fn f16_whole_numbers_of_128_bits_read_back(signed: i128, unsigned: u128) {
        reads_back(&signed);
        reads_back(&unsigned);
        reads_back(&vec![(signed, unsigned)]);
    }

    #[test]
    fn f16_maps_with_odd_keys_read_back(
        texts in proptest::collection::hash_map(".{0,6}", any::<u8>(), 0..6),
        numbers in proptest::collection::btree_map(any::<i128>(), any::<bool>(), 0..4),
        letters in proptest::collection::btree_map(any::<char>(), ".{0,3}", 0..4),
        flags in proptest::collection::btree_map(any::<bool>(), any::<u128>(), 0..3),
    ) {
        reads_back(&texts);
        reads_back(&numbers);
        reads_back(&letters);
        reads_back(&flags);
        reads_back(&BTreeMap::from([(Colour::Green, 1), (Colour::Odd, 2)]));
    }

    #[test]
    fn f16_a_value_is_read_back_or_refused_at_any_depth(depth in 1..200_usize, below in 0..4_usize) {
        let session = session();
        let path = ["key", "a", "b", "c"][..=below].join(".");
        let deep = nested(depth);
        let inserted = session.path(&path).insert(&deep);
        if depth + below <= 127 {
            inserted.unwrap();
            prop_assert_eq!(session.path(&path).get().unwrap(), Some(deep));
        } else {
            prop_assert_eq!(inserted.unwrap_err().kind(), ErrorKind::Encode);
        }
        prop_assert!(session.entries::<serde_json::Value>().is_ok());
    }
}

/// `depth` lists inside each other.
fn nested(depth: usize) -> serde_json::Value {
    (1..depth).fold(serde_json::Value::Array(Vec::new()), |inner, _| serde_json::Value::Array(vec![inner]))
}

#[test]
fn f16_the_float_that_was_a_unit_off_reads_back() {
    reads_back(&0.091_443_385_120_928_87_f64);
    reads_back(&[f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e21, 1.0 / 3.0]);
    reads_back(&[f32::MAX, f32::MIN_POSITIVE, 1e-45, 0.1]);
}

#[test]
fn f16_what_json_cannot_write_is_refused_and_nothing_is_changed() {
    let session = session();
    session.insert("key", 1).unwrap();
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        #[expect(clippy::cast_possible_truncation, reason = "NaN and infinities stay what they are")]
        let small = wrong as f32;
        let refused = [
            session.insert("key", wrong),
            session.insert("key", small),
            session.insert("key", Some(vec![(1, wrong)])),
            session.insert("key", HashMap::from([("x", wrong)])),
            session.flash("key", wrong),
            session.flash_now("key", wrong),
            session.path("key2.x").insert(wrong),
            session.push("list", wrong).map(drop),
            session.update("key", move |_: Option<f64>| wrong),
        ];
        for error in refused.map(Result::unwrap_err) {
            assert_eq!(error.kind(), ErrorKind::Encode);
            assert!(error.to_string().contains("NaN or infinite"), "{error}");
        }
    }
    assert_eq!(session.get("key").unwrap(), Some(1));
    assert!(!session.contains("key2") && !session.contains("list"));
}

#[test]
fn f16_what_is_nested_too_deep_to_be_read_is_refused() {
    let session = session();
    for error in [
        session.insert("key", nested(128)).unwrap_err(),
        session.insert("key", nested(200)).unwrap_err(),
        session.flash("key", nested(128)).unwrap_err(),
        session.push("key", nested(127)).unwrap_err(),
        session.path("key.a").insert(nested(127)).unwrap_err(),
        session.path("key.a").push(nested(126)).unwrap_err(),
        session.path("key.a").update(|_: Option<serde_json::Value>| nested(127)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(error.to_string().contains("more than 127 levels deep"), "{error}");
    }
    session.insert("key", nested(127)).unwrap();
    assert_eq!(session.get("key").unwrap(), Some(nested(127)));
}

#[test]
fn f16_text_of_json_is_stored_as_it_is_written() {
    let session = session();
    for text in ["[ 1.0e5,-0 , 1e+21]", r#"{"z":9007199254740993,"a":"\ud83d","a":2}"#] {
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
        session.insert("key", &raw).unwrap();
        session.path("map.x").insert(&raw).unwrap();
        session.path("map.y").insert(1).unwrap();
        assert_eq!(session.get::<Box<RawValue>>("key").unwrap().unwrap().get(), text);
        assert_eq!(session.path("map.x").get::<Box<RawValue>>().unwrap().unwrap().get(), text);
    }
    let deep: Box<RawValue> =
        serde_json::from_str(&format!("{}{}", "[".repeat(128), "]".repeat(128))).unwrap();
    assert_eq!(session.insert("key", deep).unwrap_err().kind(), ErrorKind::Encode);
}
