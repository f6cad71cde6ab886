//! Golden bytes, round trips, hostile bytes.

use std::time::Duration;

use bytes::Bytes;
use cloakroom_store::{StoreKey, Timestamp};

use super::*;
use crate::observe::EndReason;

const IDLE: Duration = Duration::from_secs(60);

fn header() -> Header {
    let mut header = Header::new(Timestamp::from_millis(1_767_225_600_000), [0x11; 16], [0x22; 16]);
    header.set_authenticated_at(Timestamp::from_millis(1_767_225_601_000));
    header.set_own_idle(Some(IDLE));
    header.set_persistent(false);
    after(header, 0x0102_0304_0506_0708, Timestamp::from_millis(1_767_225_602_000))
}

/// The header that a commit writes.
fn after(mut header: Header, nonce: u64, now: Timestamp) -> Header {
    header.commit(nonce, now, IDLE);
    header
}

fn session() -> Vec<u8> {
    let mut out = begin_session(&header(), 64);
    write_frame(&mut out, Tag::Value, "n", b"3");
    write_frame(&mut out, Tag::Flash { born: 300 }, "msg", b"\"hi\"");
    write_frame(&mut out, Tag::Device, "", b"curl");
    out
}

#[test]
fn a_session_is_written_as_docs_wire_md_says() {
    let golden = concat!(
        "0101",
        "05",
        "0040204648470600",
        "0040204648470600",
        "40822f4648470600",
        "11111111111111111111111111111111",
        "22222222222222222222222222222222",
        "0087930300000000",
        "0100000000000000",
        "80c43e4648470600",
        "01",
        "0807060504030201",
        "00016e0133",
        "01036d7367ac020422686922",
        "02000463 75726c"
    )
    .replace(' ', "");
    assert_eq!(data_encoding::HEXLOWER.encode(&session()), golden);
}

#[test]
fn a13_options_of_one_session_are_written_as_docs_wire_md_says_and_read_back() {
    let day = Duration::from_secs(86_400);
    let at = Timestamp::from_millis(1_767_225_600_000);
    let of = |absolute, cookie, same_site| OwnOptions { absolute, cookie, same_site, schema: 0 };
    let cases = [
        (of(Some(day), None, None), "010060d71d14000000"),
        (of(None, Some(CookieEnd::After(day)), None), "020060d71d14000000"),
        (of(None, Some(CookieEnd::At(at)), Some(crate::SameSite::Strict)), "0c004020464847060000"),
        (
            of(Some(day), Some(CookieEnd::After(day)), Some(crate::SameSite::None)),
            "0b0060d71d140000000060d71d1400000002",
        ),
        (OwnOptions { schema: 0x0102_0304, ..OwnOptions::default() }, "1004030201"),
        (OwnOptions { schema: 7, ..of(None, None, Some(crate::SameSite::Lax)) }, "180107000000"),
    ];
    let key = StoreKey::from_bytes(b"the old key").unwrap();
    for (own, golden) in cases {
        for replaces in [false, true] {
            let mut header = header();
            header.set_own(own);
            if replaces {
                header.set_replaces(key.clone());
            }
            let mut bytes = begin_session(&header, 0);
            assert_eq!(bytes[0], FORMAT_WITH_OWN, "older releases leave it alone");
            let written = data_encoding::HEXLOWER.encode(&bytes);
            assert!(written.ends_with(golden), "{written}");
            assert_eq!(bytes.len(), 2 + header.encoded_len());
            write_frame(&mut bytes, Tag::Value, "n", b"3");
            let whole = Bytes::from(bytes);
            let Ok(Payload::Session(read, frames)) = Payload::decode(&whole) else { panic!() };
            assert_eq!((&read, read.own(), frames.iter().count()), (&header, own, 1));
            for length in 0..2 + header.encoded_len() {
                assert!(Payload::decode(&whole.slice(..length)).is_err(), "{length} bytes");
            }
        }
    }
    let mut plain = header();
    plain.set_own(OwnOptions::default());
    assert_eq!(begin_session(&plain, 0)[0], FORMAT, "without them nothing is changed");
}

#[test]
fn what_is_written_is_read_back() {
    let Ok(Payload::Session(read, frames)) = Payload::decode(&session().into()) else { panic!() };
    assert_eq!(read, header());
    let found = frames.find("msg").unwrap();
    assert_eq!(found.tag, Tag::Flash { born: 300 });
    assert_eq!(&frames.bytes()[found.value], b"\"hi\"");
    assert_eq!(frames.iter().count(), 3);
    assert!(frames.find("").is_none(), "the device is not a value");
}

#[test]
fn a_redirect_is_written_as_docs_wire_md_says() {
    let (nonce, grace_until) = (0x0102_0304_0506_0708, Timestamp::from_millis(1_767_225_600_000));
    let to = Some(StoreKey::from_hash([9; 32]));
    let renewed = concat!(
        "0102",
        "0807060504030201",
        "0040204648470600",
        "0909090909090909090909090909090909090909090909090909090909090909",
    );
    let written = |to| {
        data_encoding::HEXLOWER.encode(&redirect_payload(&Redirect { nonce, grace_until, to, ended: None }))
    };
    assert_eq!(written(to), renewed);
    assert_eq!(written(None), "010308070605040302010040204648470600");
}

#[test]
fn an_end_that_is_remembered_is_written_as_docs_wire_md_says_and_read_back() {
    let (nonce, grace_until) = (0x0102_0304_0506_0708, Timestamp::from_millis(1_767_225_600_000));
    let reasons = [EndReason::LogOut, EndReason::Destroyed, EndReason::Revoked, EndReason::Cap];
    for (code, reason) in (1..).zip(reasons) {
        let redirect = Redirect { nonce, grace_until, to: None, ended: Some(reason) };
        let bytes = redirect_payload(&redirect);
        let golden = format!("010308070605040302010040204648470600{code:02}");
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes), golden);
        let Ok(Payload::Redirect(read)) = Payload::decode(&bytes) else { panic!() };
        assert_eq!(read, redirect);
    }
}

#[test]
fn a_redirect_is_read_back_with_and_without_a_pointer() {
    for to in [None, Some(StoreKey::from_hash([9; 32]))] {
        let redirect = Redirect { nonce: 5, grace_until: Timestamp::from_millis(7), to, ended: None };
        let Ok(Payload::Redirect(read)) = Payload::decode(&redirect_payload(&redirect)) else { panic!() };
        assert_eq!(read, redirect);
    }
}

#[test]
fn a_payload_cut_anywhere_is_damaged_or_ends_between_frames() {
    let whole = session();
    for length in 0..whole.len() {
        match Payload::decode(&Bytes::copy_from_slice(&whole[..length])) {
            Err(_) => {}
            Ok(Payload::Session(_, frames)) => assert!(frames.iter().count() < 3),
            Ok(Payload::Redirect(_)) => panic!("not a redirect"),
        }
    }
}

#[test]
fn any_byte_may_be_anything_and_nothing_panics() {
    let whole = session();
    for at in 0..whole.len() {
        for byte in 0..=255 {
            let mut hostile = whole.clone();
            hostile[at] = byte;
            if let Ok(Payload::Session(_, frames)) = Payload::decode(&hostile.into()) {
                let _ = frames.iter().map(|frame| frame.key.len()).sum::<usize>();
            }
        }
    }
}

#[test]
fn a_newer_format_is_distinguished_from_damage() {
    let mut newer = session();
    newer[0] = FORMAT_WITH_OWN + 1;
    assert_eq!(Payload::decode(&newer.into()).unwrap_err(), Unreadable::Format);
    assert_eq!(Payload::decode(&Bytes::new()).unwrap_err(), Unreadable::Damaged);
}

#[test]
fn a_record_remembers_its_last_sixteen_commits() {
    let now = Timestamp::from_millis(1);
    let mut header = Header::new(now, [0; 16], [0; 16]);
    for nonce in 1..=20 {
        header.commit(nonce, now, IDLE);
    }
    assert!(header.remembers(20) && header.remembers(5));
    assert!(!header.remembers(4) && !header.remembers(0));
    assert!(!header.may_have_forgotten(4), "commit 5 would be in the ring");
    assert!(header.may_have_forgotten(3));
}

#[test]
fn commits_are_forgotten_by_number_and_never_by_a_clock() {
    let start = Timestamp::from_millis(1);
    let first = after(Header::new(start, [0; 16], [0; 16]), 1, start);
    let years = Duration::from_secs(100_000_000);
    let later = after(first, 2, start + years);
    assert!(later.remembers(1) && later.remembers(2));
    assert!(!later.may_have_forgotten(0));
}

#[test]
fn the_moment_of_the_last_commit_never_goes_back() {
    let start = Timestamp::from_millis(7_200_000);
    let header = after(Header::new(start, [0; 16], [0; 16]), 1, start);
    let behind = after(header, 2, start - Duration::from_secs(3_600));
    assert_eq!(behind.committed_at(), start);
}

#[test]
fn the_record_that_is_replaced_is_named_until_the_next_commit() {
    let now = Timestamp::from_millis(1);
    let mut header = after(Header::new(now, [0; 16], [0; 16]), 1, now);
    header.set_replaces(StoreKey::from_hash([7; 32]));
    let payload = Bytes::from(begin_session(&header, 0));
    let Ok(Payload::Session(mut read, _)) = Payload::decode(&payload) else { panic!("it is a session") };
    assert_eq!(read, header);
    assert_eq!(read.replaces().map(StoreKey::as_bytes), Some(&[7; 32][..]));
    read.commit(2, now, IDLE);
    assert_eq!(read.replaces(), None);
}
