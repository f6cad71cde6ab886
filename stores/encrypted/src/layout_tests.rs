use super::*;

const OLD: &str = "the quick brown fox jumps over the lazy dog";
const NEW: &str = "pack my box with five dozen liquor jugs, now";

fn keys() -> SealingKeys {
    SealingKeys::new([OLD]).unwrap()
}

fn name(text: &str) -> OwnerKey {
    OwnerKey::new(text).unwrap()
}

/// A payload of this length.
fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|at| at.to_le_bytes()[0]).collect()
}

/// Small numbers that look random, the same each time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from(mixed >> 33).unwrap() % bound
    }
}

#[test]
fn a_payload_of_any_length_opens_with_and_without_a_hidden_owner() {
    let (keys, key, blinded) = (keys(), StoreKey::from_hash([7; 32]), name("blinded"));
    let place = Place { key: &key, owner: Some((&blinded, Timestamp::from_micros(5))), sliding: true };
    for length in [0, 1, SHOWN - 1, SHOWN, SHOWN + 1, 512, 5_000] {
        for owner in [None, Some(name("alice"))] {
            let sealed = seal(&keys, place, &payload(length), owner.as_ref()).unwrap();
            let added = sealed.len() - length;
            let due = match (&owner, length > SHOWN) {
                (None, false) => 50,
                (None, true) => 66,
                (Some(_), _) => 66 + 1 + 5,
            };
            assert_eq!(added, due, "{length} bytes, {owner:?}");
            let opened = open(&keys, place, &sealed).unwrap();
            assert_eq!(opened, Opened { payload: payload(length).into(), owner });
            let head = open_head(&keys, place, &sealed[..sealed.len().min(RecordHead::PAYLOAD_BYTES)]);
            assert_eq!(head.unwrap(), payload(length.min(SHOWN)));
        }
    }
    let longest = OwnerKey::new([1; OwnerKey::MAX_LEN]).unwrap();
    assert_eq!(seal(&keys, place, b"", Some(&longest)).unwrap().len(), MOST_ADDED);
}

#[test]
fn r31_a_payload_opens_only_where_it_was_sealed() {
    let keys = keys();
    let (here, there) = (StoreKey::from_hash([7; 32]), StoreKey::from_hash([8; 32]));
    let (alice, bob, since) = (name("alice"), name("bob"), Timestamp::from_micros(5));
    let place = Place { key: &here, owner: Some((&alice, since)), sliding: true };
    let sealed = seal(&keys, place, &payload(600), None).unwrap();
    for other in [
        Place { key: &there, ..place },
        Place { owner: Some((&bob, since)), ..place },
        Place { owner: Some((&alice, Timestamp::from_micros(6))), ..place },
        Place { owner: None, ..place },
        Place { sliding: false, ..place },
    ] {
        assert_eq!(open(&keys, other, &sealed), Err(Refused::Forged));
        assert_eq!(open_head(&keys, other, &sealed[..512]), Err(Refused::Forged));
    }
    // No two places are written alike: what is behind a shorter key is not the owner of a longer one.
    let shorter = StoreKey::from_bytes(b"a").unwrap();
    let longer = StoreKey::from_bytes(b"a\x05alice\x05\0\0\0\0\0\0\0").unwrap();
    let owned = Place { key: &shorter, owner: Some((&alice, since)), sliding: true };
    let sealed = seal(&keys, owned, b"a coat", None).unwrap();
    assert_eq!(
        open(&keys, Place { key: &longer, owner: None, sliding: true }, &sealed),
        Err(Refused::Forged)
    );
}

#[test]
fn r31_a_payload_with_a_flipped_bit_or_cut_anywhere_is_refused() {
    let (keys, key) = (keys(), StoreKey::from_hash([7; 32]));
    let place = Place { key: &key, owner: None, sliding: true };
    for owner in [None, Some(name("alice"))] {
        let sealed = seal(&keys, place, &payload(500), owner.as_ref()).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&keys, place, &bad).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(open(&keys, place, &sealed[..length]).is_err(), "{length} bytes");
        }
        assert!(open(&keys, place, &[&sealed[..], b"x"].concat()).is_err());
    }
}

/// The parts of two payloads that were sealed for one place do not mix: not even of the same record, before and after a write.
#[test]
fn r31_the_parts_of_two_payloads_do_not_mix() {
    let (keys, key) = (keys(), StoreKey::from_hash([7; 32]));
    let place = Place { key: &key, owner: None, sliding: true };
    let [one, other] = [600, 700].map(|length| seal(&keys, place, &payload(length), None).unwrap());
    let end = FIRST + SHOWN + TAG;
    assert_eq!(open(&keys, place, &[&one[..end], &other[end..]].concat()), Err(Refused::Forged));
    assert!(open(&keys, place, &[&one[..end], &one[end..]].concat()).is_ok());
}

#[test]
fn r31_none_of_a_hundred_thousand_mutated_payloads_opens() {
    none_opens(100_000);
}

#[test]
#[ignore = "takes minutes; the shorter one runs each time"]
fn r31_none_of_ten_million_mutated_payloads_opens() {
    none_opens(10_000_000);
}

fn none_opens(count: usize) {
    let (keys, key) = (keys(), StoreKey::from_hash([7; 32]));
    let place = Place { key: &key, owner: None, sliding: true };
    let sealed = [20, 300].map(|length| seal(&keys, place, &payload(length), None).unwrap().to_vec());
    let (mut numbers, mut scratch) = (Numbers(1), Vec::new());
    for round in 0..count {
        let original = &sealed[round % 2];
        scratch.clone_from(original);
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(scratch.len().max(1));
            match numbers.below(4) {
                0 => scratch.truncate(at),
                1 => scratch.insert(at, numbers.below(256).to_le_bytes()[0]),
                2 if at < scratch.len() => scratch[at] = numbers.below(256).to_le_bytes()[0],
                _ if at < scratch.len() => scratch[at] ^= 1 << numbers.below(8),
                _ => {}
            }
        }
        assert!(scratch == *original || open(&keys, place, &scratch).is_err(), "round {round}: {scratch:?}");
    }
}

#[test]
fn r32_a_payload_names_its_key_and_opens_with_no_other() {
    let (old, new, both) = (keys(), SealingKeys::new([NEW]).unwrap(), SealingKeys::new([NEW, OLD]).unwrap());
    let key = StoreKey::from_hash([7; 32]);
    let place = Place { key: &key, owner: None, sliding: true };
    let sealed = seal(&old, place, b"a coat", None).unwrap();
    assert_eq!(open(&new, place, &sealed), Err(Refused::UnknownKey));
    assert_eq!(open(&both, place, &sealed).unwrap().payload, "a coat");
    let sealed = seal(&both, place, b"a coat", None).unwrap();
    assert_eq!(open(&old, place, &sealed), Err(Refused::UnknownKey));
    assert_eq!(open(&new, place, &sealed).unwrap().payload, "a coat");
}

#[test]
fn what_is_not_sealed_and_what_a_newer_release_sealed_are_refused_as_such() {
    let (keys, key) = (keys(), StoreKey::from_hash([7; 32]));
    let place = Place { key: &key, owner: None, sliding: true };
    for plain in [b"".as_slice(), b"a coat", &[1, 1, 0], &MAGIC[..2]] {
        assert_eq!(open(&keys, place, plain), Err(Refused::Plain));
    }
    let mut newer = seal(&keys, place, b"a coat", None).unwrap().to_vec();
    newer[3] = 2;
    assert_eq!(open(&keys, place, &newer), Err(Refused::Newer));
}

/// Written once by this crate; a later release must read it.
#[test]
fn the_bytes_of_a_sealed_payload_stand_still() {
    let (keys, key, blinded) = (keys(), StoreKey::from_hash([7; 32]), name("blinded"));
    let place = Place { key: &key, owner: Some((&blinded, Timestamp::from_micros(5))), sliding: true };
    let opened = open(&keys, place, &GOLDEN).unwrap();
    assert_eq!(opened, Opened { payload: "a coat".into(), owner: Some(name("alice")) });
    assert_eq!(GOLDEN[..7], [0xe5, 0x73, 0x6c, 1, 3, 6, 0]);
}

const GOLDEN: [u8; 78] = [
    229, 115, 108, 1, 3, 6, 0, 119, 158, 122, 218, 169, 246, 72, 35, 204, 4, 0, 254, 20, 249, 251, 198, 60,
    230, 26, 6, 125, 176, 48, 191, 125, 212, 121, 164, 206, 18, 158, 30, 57, 151, 236, 74, 166, 179, 183, 43,
    131, 247, 213, 202, 126, 213, 196, 212, 225, 6, 245, 38, 169, 192, 163, 11, 206, 56, 150, 142, 149, 118,
    128, 157, 62, 32, 134, 121, 165, 120, 60,
];
