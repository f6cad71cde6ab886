use std::collections::HashSet;

use cloakroom_store::{Cursor, ErrorKind};

use super::*;

#[test]
fn a_scan_sees_every_record_that_stays_while_others_come_and_go() {
    let (store, _) = built(MemoryStore::builder().shards(4));
    for number in 0..2_000 {
        create(&store, number, &lives(1_000));
    }
    let (mut seen, mut cursor, mut page_number) = (HashSet::new(), None, 0);
    loop {
        let page = store.scan_now(cursor.as_ref(), 50).unwrap();
        assert!(page.entries.len() <= 50);
        seen.extend(page.entries.into_iter().map(|entry| entry.key.as_bytes().to_vec()));
        // Odd ones go while the scan is under way, and new ones come.
        for number in (1..2_000).step_by(2).skip(page_number * 40).take(40) {
            store.delete_now(&key(number)).unwrap();
            create(&store, 10_000 + number, &lives(1_000));
        }
        page_number += 1;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!((0..2_000).step_by(2).all(|number| seen.contains(key(number).as_bytes())));
}

#[test]
fn a_cursor_that_no_memory_store_made_is_refused() {
    let (store, _) = store();
    assert_eq!(store.scan_now(Some(&Cursor::new("elsewhere")), 1).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn clear_removes_everything_counts_the_live_and_keeps_revocations_and_versions() {
    let (store, clock) = store();
    let version = create(&store, 1, &lives(10));
    create(&store, 2, &lives(1));
    create(&store, 3, &owned("a", 10));
    store.revoke_now(&owner("b"), START).unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.clear_now().unwrap(), 2);
    assert_eq!((store.usage().records, store.usage().bytes), (0, 0));
    assert_eq!(store.owners.size(), (1, 1));
    assert_eq!(store.create_now(&key(1), &owned("b", 10)).unwrap(), CreateOutcome::Revoked);
    assert_ne!(create(&store, 1, &lives(10)), version);
}
