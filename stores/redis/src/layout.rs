//! The names of keys and the bytes of records: with the scripts, the only place that knows them.
//!
//! What a script touches is in one hash slot: that of the record, or that of the owner.

use std::time::Duration;

use cloakroom_store::{
    Bytes, Error, ErrorKind, Owner, OwnerKey, Record, RecordHead, Result, StoreKey, Timestamp, Version,
    VersionedRecord,
};
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::digits::{Digits, read_decimal};

/// What all keys begin with, unless another prefix is set.
pub(crate) const PREFIX: &str = "cloakroom:";

/// What may stand in a key as it is. The rest of an owner is written as `%XX`: no brace ends the hash tag early.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// The server lets a record go this much later than it expires, so that a clock that differs drops no live one.
const LINGER: Duration = Duration::from_secs(60);
/// How much longer an index lasts than the records in it, by clocks that differ by less than that.
const SKEW: Duration = Duration::from_secs(60 * 60);
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Names keys.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    prefix: String,
}

/// Returns the pattern of the keys that begin with `prefix`, with what `MATCH` would read otherwise taken as it is.
pub(crate) fn pattern_of(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for letter in prefix.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "*"
}

impl Layout {
    pub(crate) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub(crate) fn record(&self, key: &StoreKey) -> String {
        self.name("r:{", key)
    }

    /// In the record's slot: owners who were revoked while a write of theirs may be under way.
    pub(crate) fn fence(&self, key: &StoreKey) -> String {
        self.name("f:{", key)
    }

    fn name(&self, kind: &str, key: &StoreKey) -> String {
        let mut name = String::with_capacity(self.prefix.len() + kind.len() + 2 * key.as_bytes().len() + 1);
        name.push_str(&self.prefix);
        name.push_str(kind);
        BASE64URL_NOPAD.encode_append(key.as_bytes(), &mut name);
        name.push('}');
        name
    }

    /// Returns the keys of an owner's records, in the owner's slot.
    pub(crate) fn index(&self, owner: &OwnerKey) -> String {
        format!("{}o:{{{}}}", self.prefix, percent_encode(owner.as_bytes(), PLAIN))
    }

    /// Returns when the owner was revoked, in the owner's slot.
    pub(crate) fn revocation(&self, owner: &OwnerKey) -> String {
        format!("{}x:{{{}}}", self.prefix, percent_encode(owner.as_bytes(), PLAIN))
    }

    /// Returns what the keys of all records begin with; a brace ends them.
    pub(crate) fn records(&self) -> String {
        format!("{}r:{{", self.prefix)
    }

    /// Returns the pattern of all keys.
    pub(crate) fn everything(&self) -> String {
        pattern_of(&self.prefix)
    }

    /// Returns the key whose record has this name, if it is the name of a record.
    pub(crate) fn key_of(&self, name: &[u8]) -> Option<StoreKey> {
        let member = name.strip_prefix(self.records().as_bytes())?.strip_suffix(b"}")?;
        key(member)
    }
}

/// Returns how a key is written in names of keys, and in indexes.
pub(crate) fn member(key: &StoreKey) -> String {
    BASE64URL_NOPAD.encode(key.as_bytes())
}

/// Returns the key that is written so.
pub(crate) fn key(member: &[u8]) -> Option<StoreKey> {
    StoreKey::from_bytes(&BASE64URL_NOPAD.decode(member).ok()?).ok()
}

/// Returns a moment as scripts compare it.
pub(crate) fn moment(timestamp: Timestamp) -> Digits<18> {
    Digits::decimal(timestamp.as_micros())
}

/// Returns a version as it stands in a record.
pub(crate) fn version(version: Version) -> Digits<16> {
    Digits::hexadecimal(version.get())
}

/// Returns in how many milliseconds the server may remove a record, or `0` for never.
pub(crate) fn lifetime(now: Timestamp, expires_at: Timestamp) -> String {
    millis(now, expires_at, LINGER)
}

/// Returns until when an index is to last that gets a record: twice as long as the record lives, and a day longer at
/// least, so that it need not be asked again each time the expiry moves.
pub(crate) fn index_until(now: Timestamp, expires_at: Timestamp) -> Timestamp {
    expires_at + expires_at.since(now).max(A_DAY)
}

/// Returns in how many milliseconds the server may remove an index, or `0` for never.
pub(crate) fn index_lifetime(now: Timestamp, until: Timestamp) -> String {
    millis(now, until, LINGER + SKEW)
}

/// Returns for how many milliseconds a revocation is remembered: a day after now and after the moment that it names.
pub(crate) fn remembered(now: Timestamp, at: Timestamp) -> String {
    whole_millis(at.since(now) + A_DAY + SKEW)
}

fn millis(now: Timestamp, until: Timestamp, slack: Duration) -> String {
    if until == Timestamp::NEVER {
        return "0".into();
    }
    whole_millis(until.since(now) + slack)
}

fn whole_millis(duration: Duration) -> String {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).to_string()
}

/// Returns the bytes of a record.
pub(crate) fn encode(record: &Record, version: Version, index_until: Timestamp) -> Vec<u8> {
    let Record { payload, expires_at, sliding, owner, .. } = record;
    let owner_key = owner.as_ref().map_or(&[][..], |owner| owner.key.as_bytes());
    let mut bytes = Vec::with_capacity(OWNED_HEAD + owner_key.len() + payload.len());
    bytes.push(b'1');
    bytes.extend_from_slice(moment(*expires_at).as_bytes());
    bytes.extend_from_slice(self::version(version).as_bytes());
    bytes.push(if *sliding { b's' } else { b'-' });
    bytes.extend_from_slice(Digits::<9>::decimal(len(payload)).as_bytes());
    bytes.extend_from_slice(Digits::<3>::decimal(len(owner_key)).as_bytes());
    if let Some(Owner { key, logged_in_at: since, .. }) = owner {
        bytes.extend_from_slice(moment(*since).as_bytes());
        bytes.extend_from_slice(moment(index_until).as_bytes());
        bytes.extend_from_slice(key.as_bytes());
    }
    bytes.extend_from_slice(payload);
    bytes
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// How many bytes stand before the payload of a record without an owner.
const HEAD: usize = 48;
/// How many bytes stand before the owner of a record that has one.
const OWNED_HEAD: usize = 84;
/// Returns how many bytes of a record end with its owner, as scripts count.
pub(crate) fn owner_end(owner: &OwnerKey) -> String {
    (OWNED_HEAD + owner.as_bytes().len()).to_string()
}

/// Returns the length of an owner as it stands in a record.
pub(crate) fn owner_length(owner: &OwnerKey) -> Digits<3> {
    Digits::decimal(len(owner.as_bytes()))
}

/// The most bytes before a payload.
pub(crate) const LONGEST_HEAD: usize = OWNED_HEAD + OwnerKey::MAX_LEN;

/// How many bytes of a record a list reads: its head, and the beginning of its payload.
pub(crate) const LISTED: usize = LONGEST_HEAD + RecordHead::PAYLOAD_BYTES;

/// Reads the beginning of a record of that owner; `None` if it is another's, or none of ours.
pub(crate) fn decode_head(key: StoreKey, bytes: Vec<u8>, whose: &OwnerKey) -> Option<RecordHead> {
    let bytes = Bytes::from(bytes);
    let (record, version) = read_beginning(&bytes)?;
    let owner = record.owner.filter(|owner| owner.key == *whose)?;
    let whole = usize::try_from(read_decimal(bytes.get(36..45)?)?).ok()?;
    let shown = record.payload.slice(..whole.min(RecordHead::PAYLOAD_BYTES).min(record.payload.len()));
    let cut = shown.len() < whole.min(RecordHead::PAYLOAD_BYTES);
    (!cut)
        .then(|| RecordHead::new(key, version, owner.logged_in_at, record.expires_at, record.sliding, shown))
}

/// Reads a record; it may have expired.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<VersionedRecord> {
    let bytes = Bytes::from(bytes);
    read(&bytes).ok_or_else(damaged)
}

fn read(bytes: &Bytes) -> Option<VersionedRecord> {
    let (record, version) = read_beginning(bytes)?;
    let whole = read_decimal(bytes.get(36..45)?)? == len(&record.payload);
    whole.then_some(VersionedRecord::new(record, version))
}

/// Reads a record of which the payload may be cut short.
fn read_beginning(bytes: &Bytes) -> Option<(Record, Version)> {
    if bytes.first() != Some(&b'1') {
        return None;
    }
    let sliding = match bytes.get(35)? {
        b's' => true,
        b'-' => false,
        _ => return None,
    };
    let owner_len = usize::try_from(read_decimal(bytes.get(45..48)?)?).ok()?;
    let (owner, payload) = match owner_len {
        0 => (None, HEAD),
        _ => (Some(read_owner(bytes, owner_len)?), OWNED_HEAD + owner_len),
    };
    let record = Record::new(
        (bytes.len() >= payload).then(|| bytes.slice(payload..))?,
        read_moment(bytes.get(1..19)?)?,
    )
    .with_sliding(sliding)
    .with_owner(owner);
    let version = u64::from_str_radix(std::str::from_utf8(bytes.get(19..35)?).ok()?, 16).ok()?;
    Some((record, Version::new(version)))
}

fn read_owner(bytes: &[u8], len: usize) -> Option<Owner> {
    let key = OwnerKey::new(bytes.get(OWNED_HEAD..OWNED_HEAD + len)?).ok()?;
    Some(Owner::new(key, read_moment(bytes.get(48..66)?)?))
}

fn read_moment(digits: &[u8]) -> Option<Timestamp> {
    read_decimal(digits).map(Timestamp::from_micros)
}

/// Reads of a record's beginning when it expires.
pub(crate) fn expiry(head: &[u8]) -> Option<Timestamp> {
    let digits = head.strip_prefix(b"1")?.get(..18)?;
    read_moment(digits)
}

/// Reads an expiry that stands alone.
pub(crate) fn expiry_alone(answer: &[u8]) -> Option<Timestamp> {
    (answer.len() == 18).then(|| read_moment(answer)).flatten()
}

/// How many bytes [`expiry`] needs.
pub(crate) const EXPIRY_END: usize = 19;

pub(crate) fn damaged() -> Error {
    let message = "what is under the key of a record is damaged, or not a record of cloakroom-redis; \
        give the sessions a prefix of their own";
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record::new("a coat", Timestamp::from_micros(1_800_000_000_123_456))
    }

    fn owned() -> Record {
        let key = OwnerKey::new("alice").unwrap();
        record()
            .with_sliding(false)
            .with_owner(Owner::new(key, Timestamp::from_micros(7)))
            .with_expires_at(Timestamp::NEVER)
    }

    fn written(record: &Record) -> String {
        let until = Timestamp::from_micros(1_900_000_000_000_000);
        String::from_utf8(encode(record, Version::new(0xc0a7), until)).unwrap()
    }

    #[test]
    fn the_bytes_of_a_record_stay_as_they_are() {
        let ownerless = "1001800000000123456000000000000c0a7s000000006000a coat";
        let alices = "1253402300799999999000000000000c0a7-000000006005\
            000000000000000007001900000000000000alicea coat";
        assert_eq!((written(&record()), written(&owned())), (ownerless.into(), alices.into()));
    }

    #[test]
    fn a_record_comes_back_as_it_went_in() {
        for record in [record(), owned(), Record::new("", Timestamp::EPOCH)] {
            let stored = decode(written(&record).into_bytes()).unwrap();
            assert_eq!(stored, VersionedRecord::new(record, Version::new(0xc0a7)));
        }
    }

    #[test]
    fn a_head_is_read_of_the_beginning_and_of_its_owner_only() {
        let alice = OwnerKey::new("alice").unwrap();
        let key = || StoreKey::from_hash([7; 32]);
        for size in [0, 511, 512, 513, 5_000] {
            let record = owned().with_payload(vec![b'p'; size]);
            let mut bytes = written(&record).into_bytes();
            bytes.truncate(LISTED);
            let head = decode_head(key(), bytes.clone(), &alice).unwrap();
            assert_eq!(head.payload_head, record.payload[..size.min(512)]);
            assert_eq!((head.logged_in_at, head.expires_at), (Timestamp::from_micros(7), Timestamp::NEVER));
            assert_eq!(decode_head(key(), bytes.clone(), &OwnerKey::new("bob").unwrap()), None);
            bytes.truncate(OWNED_HEAD + 5 + size.min(512) - 1);
            assert_eq!(decode_head(key(), bytes, &alice), None, "{size}");
        }
        assert_eq!(decode_head(key(), written(&record()).into_bytes(), &alice), None);
    }

    #[test]
    fn what_is_cut_short_or_longer_or_foreign_is_damaged() {
        for record in [record(), owned()] {
            let whole = written(&record).into_bytes();
            for end in 0..whole.len() {
                assert_eq!(decode(whole[..end].to_vec()).unwrap_err().kind(), ErrorKind::Corrupt, "{end}");
            }
            assert!(decode([&whole[..], b"x"].concat()).is_err());
            for at in (0..18).chain(35..48) {
                let mut bytes = whole.clone();
                bytes[at] = b'x';
                assert!(decode(bytes).is_err(), "{at}");
            }
        }
    }

    #[test]
    fn what_belongs_to_a_record_or_to_an_owner_has_one_hash_tag() {
        let layout = Layout::new(PREFIX.into());
        let tag = |name: &str| name.split_once('{').unwrap().1.split_once('}').unwrap().0.to_owned();
        for bytes in [&b"}"[..], b"{", b"a}b", &[0, 255]] {
            let (key, owner) = (StoreKey::from_bytes(bytes).unwrap(), OwnerKey::new(bytes).unwrap());
            assert_eq!(tag(&layout.record(&key)), tag(&layout.fence(&key)));
            assert_eq!(tag(&layout.index(&owner)), tag(&layout.revocation(&owner)));
            assert!(!tag(&layout.record(&key)).is_empty() && !tag(&layout.index(&owner)).is_empty());
            assert_eq!(layout.key_of(layout.record(&key).as_bytes()), Some(key));
        }
        assert_eq!(layout.index(&OwnerKey::new("al}ice@x").unwrap()), "cloakroom:o:{al%7Dice@x}");
    }

    #[test]
    fn an_index_outlasts_its_record_by_the_server_s_clock() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        for seconds in [0, 1, 1_800, 86_400, 40_000_000] {
            let expires_at = now + Duration::from_secs(seconds);
            let until = index_until(now, expires_at);
            assert!(until >= expires_at + A_DAY || until >= expires_at + expires_at.since(now));
            let (record, index) = (lifetime(now, until), index_lifetime(now, until));
            assert!(index.parse::<u64>().unwrap() >= record.parse::<u64>().unwrap() + 3_600_000);
        }
        assert_eq!(index_lifetime(now, index_until(now, Timestamp::NEVER)), "0");
    }
}
