//! The bytes are those of the tables, now and in every later release.

use cloakroom_store::{OwnerKey, StoreKey, Timestamp, Version};

use super::{START, alice, alices, key, record};
use crate::layout::{Head, Mark, Name, encode_record};

const RECORD: &str = concat!(
    "636c6f616b2d7201", // cloak-r, format 1
    "00e4b31c49470600", // expires an hour after the start
    "f09febfe1b6cfcf4", // check of the expiry
    "0807060504030201", // version
    "01020500",         // sliding; lengths of key and owner
    "04000000",         // length of the payload
    "0040204648470600", // since the start
    "06442242d5bd0fcc", // check of the payload
    "7f084a5bab516fe5", // check of the head
    "6b31",             // k1
    "616c696365",       // alice
    "636f6174",         // coat
);
const MARK: &str = concat!(
    "636c6f616b2d6d01",                                                 // cloak-m, format 1
    "0040204648470600",                                                 // at the start
    "0100000000000000",                                                 // made a microsecond after the epoch
    "71b278f3dc434447fc620500e47b6a80b0cb0df76a1051119fe19ed4953242df", // the hash of alice
    "557b649de72bcb8a",                                                 // check
);

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn a_record_is_written_as_the_table_says() {
    let file = encode_record(&key("k1"), &alices("coat"), Version::new(0x0102_0304_0506_0708)).unwrap();
    assert_eq!(hex(&file), RECORD);
}

#[test]
fn a_record_without_an_owner_has_no_owner_bytes() {
    let file = encode_record(&key("k1"), &record("coat"), Version::new(1)).unwrap();
    assert_eq!((file[33], file[34], &file[40..48]), (2, 0, &[0; 8][..]));
    assert_eq!(&file[64..], b"k1coat");
}

#[test]
fn a_revocation_is_written_as_the_table_says() {
    let mark = Mark { at: START, made_at: Timestamp::from_micros(1) };
    assert_eq!(hex(&mark.encode(&Name::of(alice().as_bytes()))), MARK);
}

#[test]
fn the_longest_key_and_owner_come_back() {
    let key = StoreKey::from_bytes(&[0xff; 255]).unwrap();
    let mut record = alices("");
    record.owner.as_mut().unwrap().key = OwnerKey::new([0; 255]).unwrap();
    let version = Version::new(u64::MAX);
    let file = encode_record(&key, &record, version).unwrap();
    let head = Head::decode(&file, file.len() as u64, &Name::of(key.as_bytes())).unwrap();
    let entry = head.with_payload(file).unwrap();
    assert_eq!((entry.key, entry.stored.record, entry.stored.version), (key, record, version));
}

#[test]
fn a_file_name_is_64_lower_case_digits_whatever_the_key() {
    for key in [&b"../../etc/passwd"[..], b"\0", b"A", b"a", b"CON", &[b'/'; 255]] {
        let text = Name::of(key).text();
        assert!(text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        assert!(Name::parse(&text).is_some_and(|name| name == Name::of(key)));
        assert!(Name::parse(&text.to_uppercase()).is_none());
    }
    for other in ["next", "revoked", "", "..", &"g".repeat(64)] {
        assert!(Name::parse(other).is_none());
    }
}

#[test]
fn a_flipped_or_missing_byte_is_damage_wherever_it_is() {
    let name = Name::of(b"k1");
    let good = encode_record(&key("k1"), &alices("coat"), Version::new(7)).unwrap();
    let reads = |file: &[u8]| {
        Head::decode(file, file.len() as u64, &name).and_then(|head| head.check_payload(file)).is_ok()
    };
    assert!(reads(&good));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(!reads(&bad), "byte {at}, bit {bit}");
        }
        assert!(!reads(&good[..at]), "cut at {at}");
    }
    assert!(!reads(&[&good[..], b"x"].concat()));
    assert!(Head::decode(&good, good.len() as u64, &Name::of(b"k2")).is_err());
}

#[test]
fn a_flipped_or_missing_byte_of_a_revocation_is_damage() {
    let name = Name::of(b"alice");
    let good = Mark { at: START, made_at: START }.encode(&name);
    assert!(Mark::decode(&good, &name).is_ok());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(Mark::decode(&bad, &name).is_err() && Mark::decode(&good[..at], &name).is_err(), "byte {at}");
    }
    assert!(Mark::decode(&good, &Name::of(b"bob")).is_err());
}
