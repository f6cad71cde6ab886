//! Random bytes, and records of every shape.

use bytes::Bytes;
use cloakroom_store::{StoreKey, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just(Timestamp::EPOCH), Just(Timestamp::NEVER), any::<u64>().prop_map(Timestamp::from_micros)]
}

fn any_header() -> impl Strategy<Value = Header> {
    let times = (any_time(), any_time(), proptest::option::of(any_time()), any_time());
    let own = (proptest::option::of(any::<u64>()), proptest::option::of(any::<bool>()));
    (times, any::<[u8; 16]>(), any::<[u8; 16]>(), own, vec(any::<u64>(), 0..20)).prop_map(
        |((started, renewed, authenticated, committed), handle, csrf, (idle, persistent), nonces)| {
            let mut header = Header::new(started, handle, csrf);
            header.set_renewed_at(renewed);
            header.set_authenticated_at(authenticated.unwrap_or_default());
            header.set_own_idle(idle.map(std::time::Duration::from_micros));
            persistent.into_iter().for_each(|persistent| header.set_persistent(persistent));
            let idle = idle.map_or(std::time::Duration::ZERO, std::time::Duration::from_micros);
            nonces.into_iter().for_each(|nonce| header.commit(nonce, committed, idle));
            header
        },
    )
}

fn any_frame() -> impl Strategy<Value = (Tag, String, Vec<u8>)> {
    let tag = prop_oneof![
        Just(Tag::Value),
        any::<u64>().prop_map(|born| Tag::Flash { born }),
        Just(Tag::Device),
        Just(Tag::Member)
    ];
    (tag, ".{0,20}", vec(any::<u8>(), 0..300))
}

fn write(header: &Header, frames: &[(Tag, String, Vec<u8>)]) -> Bytes {
    let mut out = begin_session(header, 0);
    frames.iter().for_each(|(tag, key, value)| write_frame(&mut out, *tag, key, value));
    out.into()
}

/// Writes again what was read.
fn rewrite(payload: &Payload) -> Bytes {
    match payload {
        Payload::Session(header, frames) => {
            let mut out = begin_session(header, 0);
            out.extend_from_slice(frames.bytes());
            out.into()
        }
        Payload::Redirect(redirect) => redirect_payload(redirect),
    }
}

/// Whether reading does what it says whatever the bytes are, and what is written again reads as the same.
fn is_well_read(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let bytes = Bytes::from(bytes);
    let Ok(payload) = Payload::decode(&bytes) else { return Ok(()) };
    if let Payload::Session(_, frames) = &payload {
        let whole: usize = frames.iter().map(|frame| frame.whole.len()).sum();
        prop_assert_eq!(whole, frames.bytes().len());
    }
    let once = rewrite(&payload);
    let again = rewrite(&Payload::decode(&once).map_err(|why| TestCaseError::fail(format!("{why:?}")))?);
    prop_assert_eq!(once, again);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused_and_nothing_panics(bytes in vec(any::<u8>(), 0..400)) {
        is_well_read(bytes)?;
    }

    #[test]
    fn any_bytes_behind_a_good_beginning_are_read_or_refused(
        kind in 1..=3u8,
        rest in vec(any::<u8>(), 0..400),
    ) {
        is_well_read([&[FORMAT, kind], &rest[..]].concat())?;
    }

    #[test]
    fn a_good_record_with_damage_anywhere_is_read_or_refused(
        header in any_header(),
        frames in vec(any_frame(), 0..5),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = write(&header, &frames).to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        is_well_read(bytes)?;
    }

    #[test]
    fn any_session_is_read_as_it_was_written(header in any_header(), frames in vec(any_frame(), 0..6)) {
        let bytes = write(&header, &frames);
        let Ok(Payload::Session(read, found)) = Payload::decode(&bytes) else { panic!("it is a session") };
        prop_assert_eq!(&read, &header);
        let of = Frames::of(&bytes, &header);
        prop_assert_eq!(found.bytes(), of.bytes());
        let read: Vec<_> = found
            .iter()
            .map(|frame| (frame.tag, String::from_utf8(frame.key.to_vec()).unwrap(), found.bytes()[frame.value].to_vec()))
            .collect();
        prop_assert_eq!(read, frames);
    }

    #[test]
    fn any_redirect_is_read_as_it_was_written(
        nonce: u64,
        until in any_time(),
        to in proptest::option::of(vec(any::<u8>(), 1..=StoreKey::MAX_LEN)),
    ) {
        let to = to.map(|bytes| StoreKey::from_bytes(&bytes).unwrap());
        let redirect = Redirect { nonce, grace_until: until, to, ended: None };
        let Ok(Payload::Redirect(read)) = Payload::decode(&redirect_payload(&redirect)) else { panic!("it is a redirect") };
        prop_assert_eq!(read, redirect);
    }
}
