//! S1, S1', S1", S2: requests that write and read one session at once.

use std::time::Duration;

use cloakroom_races::{Gate, Kind, Op, Stand, When, races};
use cloakroom_tower::{Event, Session};

races! {
    s1_three_writers_of_different_keys_are_all_kept,
    s1_a_writer_whose_update_met_another_twice_keeps_its_write,
    s1_a_writer_that_waited_for_another_leaves_the_session_the_time_that_it_got,
    s1_a_removal_and_an_insertion_of_different_keys_are_both_kept,
    s1_two_first_writes_without_a_cookie_are_two_sessions,
    s1b_32_increments_pushes_and_updates_are_counted_once_each,
    s1b_changes_inside_one_value_are_merged,
    s1b_each_of_several_saves_in_one_request_counts_once,
    s1c_the_last_commit_of_the_same_key_wins_without_an_error,
    s1c_an_insert_after_a_removal_of_one_key_is_kept_whichever_commits_first,
    s1c_a_clear_removes_what_is_there_when_it_commits,
    s2_a_reader_that_ends_after_a_writer_keeps_the_write,
    s2_a_reader_that_saves_unchanged_keeps_the_write,
    s2_a_reader_that_uses_up_a_flash_value_keeps_the_write,
    s2_a_reader_whose_touch_comes_after_the_write_keeps_it,
}

async fn s1_three_writers_of_different_keys_are_all_kept(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let a = guest.hold(|session| session.insert("a", 1)).await;
    let b = guest.hold(|session| session.insert("b", 2)).await;
    let c = guest.hold(|session| session.insert("c", 3)).await;
    for held in [b, a, c] {
        assert!(held.release().await.ok().leaves_cookie());
    }
    for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(guest.read::<u32>(key).await, Some(value));
    }
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
    assert_eq!(stand.events.count(|event| matches!(event, Event::Merged { .. })), 2);
}

async fn s1_a_writer_whose_update_met_another_twice_keeps_its_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let first = stand.store.stop(Op::Update, When::Before, "A's first update");
    let a = guest.start(async |session: Session| Ok(session.insert("a", 1)?));
    first.reached().await;
    guest.clone().run(async |session: Session| Ok(session.insert("b", 2)?)).await.ok();
    let second = stand.store.stop(Op::Update, When::Before, "A's second update");
    first.open();
    second.reached().await;
    guest.clone().run(async |session: Session| Ok(session.insert("c", 3)?)).await.ok();
    second.open();
    a.answer().await.ok();
    for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(guest.read::<u32>(key).await, Some(value));
    }
    assert_eq!(stand.events.count(|event| matches!(event, Event::Merged { retries: 2, .. })), 1);
}

async fn s1_a_writer_that_waited_for_another_leaves_the_session_the_time_that_it_got(kind: Kind) {
    let stand = Stand::with(kind, |config| config.idle_timeout(Duration::from_secs(100))).await;
    let guest = stand.guest().await;
    let gate = stand.store.stop(Op::Update, When::Before, "A's update");
    let a = guest.start(async |session: Session| Ok(session.insert("a", 1)?));
    gate.reached().await;
    stand.wait(90);
    guest.clone().run(async |session: Session| Ok(session.insert("b", 2)?)).await.ok();
    gate.open();
    a.answer().await.ok();
    stand.wait(90);
    assert_eq!((guest.read("a").await, guest.read("b").await), (Some(1), Some(2)));
}

async fn s1_a_removal_and_an_insertion_of_different_keys_are_both_kept(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let remover = guest
        .hold(|session| {
            assert!(session.remove("coat"));
            Ok(())
        })
        .await;
    guest.clone().run(async |session: Session| Ok(session.insert("hat", "blue")?)).await.ok();
    remover.release().await.ok();
    assert_eq!(guest.read::<String>("coat").await, None);
    assert_eq!(guest.read::<String>("hat").await.as_deref(), Some("blue"));
}

async fn s1_two_first_writes_without_a_cookie_are_two_sessions(kind: Kind) {
    let stand = Stand::new(kind).await;
    let browser = stand.browser();
    let a = browser.hold(|session| session.insert("n", 1)).await;
    let b = browser.hold(|session| session.insert("n", 2)).await;
    let (a, b) = (a.release().await.ok(), b.release().await.ok());
    assert_ne!(a.new_cookie().unwrap(), b.new_cookie().unwrap());
    assert_eq!(stand.records().await, 2);
}

/// What each of the requests does, all three at once.
fn count(session: &Session) -> cloakroom::Result<()> {
    session.increment("n", 1)?;
    session.push("list", 1)?;
    session.update("sum", |sum: Option<u32>| sum.unwrap_or(0) + 3)
}

async fn s1b_32_increments_pushes_and_updates_are_counted_once_each(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let gate = Gate::new("all writers have loaded and changed");
    let writers: Vec<_> = (0..32)
        .map(|_| {
            let gate = gate.clone();
            guest.start(async move |session: Session| {
                count(&session)?;
                gate.pass().await;
                Ok(())
            })
        })
        .collect();
    for _ in 0..32 {
        gate.reached().await;
    }
    gate.open_for_all();
    for writer in writers {
        assert!(writer.answer().await.ok().leaves_cookie());
    }
    assert_eq!(guest.read::<u32>("n").await, Some(32));
    assert_eq!(guest.read::<Vec<u32>>("list").await, Some(vec![1; 32]));
    assert_eq!(guest.read::<u32>("sum").await, Some(96));
}

async fn s1b_changes_inside_one_value_are_merged(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let cart = async |session: Session| Ok(session.insert("cart", serde_json::json!({"tea": 1}))?);
    guest.run(cart).await.ok();
    let a = guest.hold(|session| session.path("cart.tea").increment(2).map(drop)).await;
    let b = guest.hold(|session| session.path("cart.milk").insert(5)).await;
    b.release().await.ok();
    a.release().await.ok();
    let cart: serde_json::Value = guest.read("cart").await.unwrap();
    assert_eq!(cart, serde_json::json!({"tea": 3, "milk": 5}));
}

async fn s1b_each_of_several_saves_in_one_request_counts_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let held = guest.hold(|session| session.increment("n", 100).map(drop)).await;
    let saves = async |session: Session| {
        for _ in 0..3 {
            session.increment("n", 1)?;
            session.save().await?;
        }
        session.increment("n", 1)?;
        Ok(())
    };
    guest.clone().run(saves).await.ok();
    held.release().await.ok();
    assert_eq!(guest.read::<u32>("n").await, Some(104));
}

async fn s1c_the_last_commit_of_the_same_key_wins_without_an_error(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let a = guest.hold(|session| session.insert("coat", "green")).await;
    let b = guest.hold(|session| session.insert("coat", "blue")).await;
    b.release().await.ok();
    a.release().await.ok();
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("green"));
}

async fn s1c_an_insert_after_a_removal_of_one_key_is_kept_whichever_commits_first(kind: Kind) {
    for removes_first in [true, false] {
        let stand = Stand::new(kind).await;
        let guest = stand.guest().await;
        let remover = guest
            .hold(|session| {
                assert!(session.remove("coat"));
                Ok(())
            })
            .await;
        let writer = guest.hold(|session| session.insert("coat", "green")).await;
        let both = if removes_first { [remover, writer] } else { [writer, remover] };
        for held in both {
            held.release().await.ok();
        }
        // What was removed is the red one, which was seen.
        assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("green"));
    }
}

async fn s1c_a_clear_removes_what_is_there_when_it_commits(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let clear = guest
        .hold(|session| {
            session.clear();
            session.insert("after", 1)
        })
        .await;
    guest.clone().run(async |session: Session| Ok(session.insert("hat", "blue")?)).await.ok();
    clear.release().await.ok();
    assert_eq!(guest.read::<String>("coat").await, None);
    assert_eq!(guest.read::<String>("hat").await, None);
    assert_eq!(guest.read::<u32>("after").await, Some(1));
}

async fn s2_a_reader_that_ends_after_a_writer_keeps_the_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let reader = guest.hold(|session| session.get::<String>("coat").map(drop)).await;
    guest.clone().run(async |session: Session| Ok(session.insert("coat", "green")?)).await.ok();
    let trips = stand.store.all_trips();
    assert!(reader.release().await.ok().leaves_cookie());
    assert_eq!(stand.store.all_trips(), trips, "a reader has nothing to say to the store");
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("green"));
}

async fn s2_a_reader_that_saves_unchanged_keeps_the_write(kind: Kind) {
    let stand = Stand::with(kind, |config| config.save_unchanged(true)).await;
    let guest = stand.guest().await;
    let reader = guest.hold(|session| session.get::<String>("coat").map(drop)).await;
    guest.clone().run(async |session: Session| Ok(session.insert("coat", "green")?)).await.ok();
    reader.release().await.ok();
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("green"));
}

async fn s2_a_reader_that_uses_up_a_flash_value_keeps_the_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    guest.run(async |session: Session| Ok(session.flash("notice", "saved")?)).await.ok();
    let reader = guest.hold(|session| session.get::<String>("notice").map(drop)).await;
    guest
        .clone()
        .run(async |session: Session| {
            session.insert("coat", "green")?;
            Ok(session.flash("notice", "saved again")?)
        })
        .await
        .ok();
    reader.release().await.ok();
    let shown: Option<String> = guest.read("notice").await;
    assert_eq!(shown.as_deref(), Some("saved again"), "it was not the reader's to use up");
    assert_eq!(guest.read::<String>("notice").await, None);
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("green"));
}

async fn s2_a_reader_whose_touch_comes_after_the_write_keeps_it(kind: Kind) {
    let stand = Stand::with(kind, |config| config.touch_threshold(0.0)).await;
    let guest = stand.guest().await;
    stand.wait(60);
    // The touch at the end rides on a load, which is the reader's second one.
    stand.store.spare(Op::Load);
    let touch = stand.store.stop(Op::Load, When::Before, "the reader's touch");
    let reader = guest.start(async |session: Session| {
        session.touch();
        Ok(session.get::<String>("coat")?.unwrap_or_default())
    });
    touch.reached().await;
    guest.clone().run(async |session: Session| Ok(session.insert("coat", "green")?)).await.ok();
    touch.open();
    assert_eq!(reader.answer().await.ok().body, "red");
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("green"));
}
