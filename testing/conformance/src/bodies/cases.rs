//! The cases.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Body, BodyStore, Ended, ErrorKind, Replaced, Timestamp, Version};

use super::walking::{
    a_sweep_removes_what_has_expired_and_nothing_else, the_ids_of_all_bodies_are_listed_page_by_page,
};
use super::{Expiry, Harness, Outcomes};
use crate::expect::{ensure, same};
use crate::failure::{Failure, Outcome};

const SECOND: Duration = Duration::from_secs(1);
/// How late an answer of a server's clock may be.
const LATE: Duration = Duration::from_secs(20);
/// How many write one body at once.
const CROWD: usize = 32;

macro_rules! cases {
    ($($name:ident)*) => {
        pub(super) async fn run(t: &Harness, chosen: impl Fn(&'static str) -> bool) -> Outcomes {
            let mut outcomes = Vec::new();
            $(if chosen(stringify!($name)) {
                outcomes.push((stringify!($name), Box::pin($name(t)).await));
            })*
            outcomes
        }
    };
}

cases! {
    a_body_is_created_once
    a_body_is_read_byte_for_byte
    a_body_of_a_megabyte_is_kept
    the_same_bytes_have_the_same_version_by_whichever_side_they_were_written
    a_replacement_takes_effect_on_the_version_that_was_read
    a_conflict_hands_back_what_is_there
    a_replacement_creates_nothing
    an_expiry_is_rounded_as_the_layout_says
    a_body_that_never_expires_stays
    a_body_is_there_until_its_expiry_and_gone_a_second_later
    an_expired_body_makes_room_and_is_nothing_to_work_on
    a_touch_moves_the_expiry_and_leaves_the_body
    a_touch_never_shortens
    an_end_hands_back_what_it_removed
    an_end_of_another_version_changes_nothing
    an_end_of_any_version_removes_what_is_there
    what_is_written_back_after_an_end_is_not_a_body_and_is_removed_when_it_is_read
    what_is_written_back_after_an_end_is_nothing_to_work_on
    where_a_session_has_ended_no_body_is_made
    many_increments_at_once_lose_nothing
    many_inserts_at_once_make_one_body
    ids_with_odd_characters_are_kept_apart_or_refused
    ids_of_many_lengths_are_kept_whole_or_refused
    a_sweep_removes_what_has_expired_and_nothing_else
    the_ids_of_all_bodies_are_listed_page_by_page
}

pub(super) fn body(number: usize) -> String {
    format!(r#"{{"cookie":{{"originalMaxAge":null,"expires":null}},"n":{number}}}"#)
}

pub(super) async fn kept(t: &Harness, id: &str, body: &str) -> Outcome<Version> {
    inserted(t.store.insert(id, body.as_bytes(), t.soon()).await?)
}

#[track_caller]
pub(super) fn inserted(answer: Option<Version>) -> Outcome<Version> {
    answer.ok_or_else(|| Failure::answer("nothing was inserted").into())
}

#[track_caller]
fn there(answer: Option<Body>) -> Outcome<Body> {
    answer.ok_or_else(|| Failure::answer("the answer was no body, due was one").into())
}

#[track_caller]
fn has(body: &Body, text: &str, version: Version) -> Outcome {
    ensure(body.bytes == text.as_bytes(), "the body has other bytes")?;
    same("the version", &body.version, &version)
}

/// Fails unless the expiry is this one, as exactly as the clock allows.
#[track_caller]
fn expires(t: &Harness, body: &Body, due: Timestamp) -> Outcome {
    match t.expiry {
        Expiry::OurClock => same("the expiry", &body.expires_at, &due),
        Expiry::ServersClock => {
            let in_time = body.expires_at <= due && due.since(body.expires_at) < LATE;
            ensure(in_time, "the expiry is another")
        }
    }
}

/// Moves the clock to a moment; where it is the server's clock that counts, the case does not apply.
pub(super) fn wait_until(t: &Harness, moment: Timestamp) -> Outcome {
    if t.expiry == Expiry::ServersClock {
        return Err(crate::failure::Stop::NotApplicable("the server's clock cannot be moved"));
    }
    t.clock.set(moment);
    Ok(())
}

async fn a_body_is_created_once(t: &Harness) -> Outcome {
    let id = t.id();
    same("a read before", &t.store.read(&id).await?, &None)?;
    let version = kept(t, &id, &body(1)).await?;
    let second = t.store.insert(&id, body(2).as_bytes(), t.soon()).await?;
    same("the second insert", &second, &None)?;
    has(&there(t.store.read(&id).await?)?, &body(1), version)
}

async fn a_body_is_read_byte_for_byte(t: &Harness) -> Outcome {
    if !t.keeps_spelling {
        return Err(crate::failure::Stop::NotApplicable("the layout keeps values, not texts"));
    }
    let texts = [
        r#"{ "cookie" : {"httpOnly":true,"expires":null},  "b":1, "a":2 }"#,
        r#"{"cookie":{},"same":1,"same":2,"num":12345678901234567890123,"neg":-0,"e":1E+2}"#,
        r#"{"cookie":{},"escape":"\ud83d \u0000 \\ \" ' ` \/","text":"café 😀 ünïcode %s ? $1 :x"}"#,
    ];
    for text in texts {
        let id = t.id();
        let version = kept(t, &id, text).await?;
        has(&there(t.store.read(&id).await?)?, text, version)?;
        let replaced = t.store.replace(&id, version, body(1).as_bytes(), t.soon()).await?;
        ensure(matches!(replaced, Replaced::Replaced(_)), "it was not replaced")?;
    }
    Ok(())
}

async fn a_body_of_a_megabyte_is_kept(t: &Harness) -> Outcome {
    let (id, text) = (t.id(), format!(r#"{{"cookie":{{}},"long":"{}"}}"#, "é😀".repeat(150_000)));
    let version = kept(t, &id, &text).await?;
    has(&there(t.store.read(&id).await?)?, &text, version)?;
    let replaced = t.store.replace(&id, version, body(1).as_bytes(), t.soon()).await?;
    ensure(matches!(replaced, Replaced::Replaced(_)), "it was not replaced")
}

async fn the_same_bytes_have_the_same_version_by_whichever_side_they_were_written(t: &Harness) -> Outcome {
    let (id, text) = (t.id(), body(1));
    let version = kept(t, &id, &text).await?;
    t.other.write(&id, &body(2), t.soon()).await?;
    let other = there(t.store.read(&id).await?)?;
    ensure(other.version != version, "other bytes have the same version")?;
    t.other.write(&id, &text, t.soon()).await?;
    has(&there(t.store.read(&id).await?)?, &text, version)
}

async fn a_replacement_takes_effect_on_the_version_that_was_read(t: &Harness) -> Outcome {
    let id = t.id();
    t.other.write(&id, &body(1), t.soon()).await?;
    let read = there(t.store.read(&id).await?)?;
    let later = t.soon() + SECOND;
    let Replaced::Replaced(version) = t.store.replace(&id, read.version, body(2).as_bytes(), later).await?
    else {
        return Err(Failure::answer("it was not replaced").into());
    };
    let now = there(t.store.read(&id).await?)?;
    has(&now, &body(2), version)?;
    expires(t, &now, t.rounded(later))
}

async fn a_conflict_hands_back_what_is_there(t: &Harness) -> Outcome {
    let id = t.id();
    let version = kept(t, &id, &body(1)).await?;
    t.other.write(&id, &body(2), t.soon()).await?;
    let Replaced::Changed(there_now) = t.store.replace(&id, version, body(3).as_bytes(), t.soon()).await?
    else {
        return Err(Failure::answer("a write of the other package was lost").into());
    };
    let read = there(t.store.read(&id).await?)?;
    has(&there_now, &body(2), read.version)?;
    has(&read, &body(2), there_now.version)?;
    expires(t, &there_now, t.rounded(t.soon()))
}

async fn a_replacement_creates_nothing(t: &Harness) -> Outcome {
    let id = t.id();
    let answer = t.store.replace(&id, Version::new(0), body(1).as_bytes(), t.soon()).await?;
    same("the answer", &answer, &Replaced::Missing)?;
    same("a touch", &t.store.touch(&id, t.soon()).await?, &false)?;
    same("an end", &t.store.end(&id, None).await?, &Ended::Missing)?;
    same("a read", &t.store.read(&id).await?, &None)
}

async fn an_expiry_is_rounded_as_the_layout_says(t: &Harness) -> Outcome {
    let whole = Timestamp::from_millis(t.soon().as_millis() / 1_000 * 1_000);
    if t.expiry == Expiry::OurClock {
        t.clock.set(whole - SECOND * 600);
    }
    for micros in [0, 1_000, 499_000, 500_000, 999_000] {
        let (id, due) = (t.id(), whole + Duration::from_micros(micros));
        let version = inserted(t.store.insert(&id, body(1).as_bytes(), due).await?)?;
        if t.expiry == Expiry::OurClock {
            expires(t, &there(t.store.read(&id).await?)?, t.rounded(due))?;
            let later = due + SECOND;
            let _replaced = t.store.replace(&id, version, body(2).as_bytes(), later).await?;
            expires(t, &there(t.store.read(&id).await?)?, t.rounded(later))?;
            t.store.touch(&id, later + SECOND).await?;
            expires(t, &there(t.store.read(&id).await?)?, t.rounded(later + SECOND))?;
        }
    }
    Ok(())
}

async fn a_body_that_never_expires_stays(t: &Harness) -> Outcome {
    let id = t.id();
    inserted(t.store.insert(&id, body(1).as_bytes(), Timestamp::NEVER).await?)?;
    same("the expiry", &there(t.store.read(&id).await?)?.expires_at, &Timestamp::NEVER)?;
    same("a touch", &t.store.touch(&id, t.soon()).await?, &true)?;
    same("the expiry", &there(t.store.read(&id).await?)?.expires_at, &Timestamp::NEVER)
}

async fn a_body_is_there_until_its_expiry_and_gone_a_second_later(t: &Harness) -> Outcome {
    for shift in [0, 250, 500, 750] {
        let (id, due) = (t.id(), t.soon() + Duration::from_millis(shift));
        inserted(t.store.insert(&id, body(1).as_bytes(), due).await?)?;
        wait_until(t, t.rounded(due) - Duration::from_millis(1))?;
        there(t.store.read(&id).await?)?;
        wait_until(t, t.rounded(due) + SECOND)?;
        same("a read after the expiry", &t.store.read(&id).await?, &None)?;
    }
    Ok(())
}

async fn an_expired_body_makes_room_and_is_nothing_to_work_on(t: &Harness) -> Outcome {
    let id = t.id();
    let version = kept(t, &id, &body(1)).await?;
    wait_until(t, t.soon() + SECOND * 2)?;
    let replaced = t.store.replace(&id, version, body(2).as_bytes(), t.soon()).await?;
    same("a replacement", &replaced, &Replaced::Missing)?;
    same("a touch", &t.store.touch(&id, t.soon()).await?, &false)?;
    same("an end", &t.store.end(&id, Some(version)).await?, &Ended::Missing)?;
    let version = kept(t, &id, &body(3)).await?;
    has(&there(t.store.read(&id).await?)?, &body(3), version)
}

async fn a_touch_moves_the_expiry_and_leaves_the_body(t: &Harness) -> Outcome {
    let (id, later) = (t.id(), t.soon() + SECOND * 60);
    let version = kept(t, &id, &body(1)).await?;
    same("the answer", &t.store.touch(&id, later).await?, &true)?;
    let read = there(t.store.read(&id).await?)?;
    has(&read, &body(1), version)?;
    expires(t, &read, t.rounded(later))
}

async fn a_touch_never_shortens(t: &Harness) -> Outcome {
    let (id, due) = (t.id(), t.soon());
    kept(t, &id, &body(1)).await?;
    same("the answer", &t.store.touch(&id, due - SECOND * 60).await?, &true)?;
    expires(t, &there(t.store.read(&id).await?)?, t.rounded(due))
}

async fn an_end_hands_back_what_it_removed(t: &Harness) -> Outcome {
    let id = t.id();
    let version = kept(t, &id, &body(1)).await?;
    let Ended::Ended(removed) = t.store.end(&id, Some(version)).await? else {
        return Err(Failure::answer("nothing was ended").into());
    };
    has(&removed, &body(1), version)?;
    same("what the other package finds", &t.other.finds(&id).await?, &false)?;
    same("a second end", &t.store.end(&id, None).await?, &Ended::Missing)
}

async fn an_end_of_another_version_changes_nothing(t: &Harness) -> Outcome {
    let id = t.id();
    let version = kept(t, &id, &body(1)).await?;
    t.other.write(&id, &body(2), t.soon()).await?;
    let Ended::Changed(other) = t.store.end(&id, Some(version)).await? else {
        return Err(Failure::answer("a body that was not read was ended").into());
    };
    has(&there(t.store.read(&id).await?)?, &body(2), other.version)
}

async fn an_end_of_any_version_removes_what_is_there(t: &Harness) -> Outcome {
    let id = t.id();
    t.other.write(&id, &body(1), t.soon()).await?;
    ensure(matches!(t.store.end(&id, None).await?, Ended::Ended(_)), "nothing was ended")?;
    same("a read", &t.store.read(&id).await?, &None)
}

async fn what_is_written_back_after_an_end_is_not_a_body_and_is_removed_when_it_is_read(
    t: &Harness,
) -> Outcome {
    let id = t.id();
    let version = kept(t, &id, &body(1)).await?;
    let _ended = t.store.end(&id, Some(version)).await?;
    for _ in 0..2 {
        t.other.write(&id, &body(1), t.soon()).await?;
        same("what the other package finds", &t.other.finds(&id).await?, &true)?;
        same("a read", &t.store.read(&id).await?, &None)?;
        same("what the other package finds then", &t.other.finds(&id).await?, &false)?;
    }
    Ok(())
}

async fn what_is_written_back_after_an_end_is_nothing_to_work_on(t: &Harness) -> Outcome {
    let id = t.id();
    let version = kept(t, &id, &body(1)).await?;
    let _ended = t.store.end(&id, Some(version)).await?;
    t.other.write(&id, &body(1), t.soon()).await?;
    let replaced = t.store.replace(&id, version, body(2).as_bytes(), t.soon()).await?;
    same("a replacement", &replaced, &Replaced::Missing)?;
    t.other.write(&id, &body(1), t.soon()).await?;
    same("a touch", &t.store.touch(&id, t.soon()).await?, &false)?;
    same("an end", &t.store.end(&id, Some(version)).await?, &Ended::Missing)?;
    same("a read", &t.store.read(&id).await?, &None)
}

async fn where_a_session_has_ended_no_body_is_made(t: &Harness) -> Outcome {
    let id = t.id();
    let version = kept(t, &id, &body(1)).await?;
    let _ended = t.store.end(&id, Some(version)).await?;
    same("an insert", &t.store.insert(&id, body(2).as_bytes(), t.soon()).await?, &None)?;
    same("what the other package finds", &t.other.finds(&id).await?, &false)?;
    same("a read", &t.store.read(&id).await?, &None)
}

/// Runs `work` so many times at once.
async fn at_once<T: Send + 'static>(
    work: impl Fn(usize) -> std::pin::Pin<Box<dyn Future<Output = Outcome<T>> + Send>>,
) -> Outcome<Vec<T>> {
    let tasks: Vec<_> = (0..CROWD).map(|number| tokio::spawn(work(number))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.map_err(|_| Failure::panic())??);
    }
    Ok(answers)
}

/// Adds one to the number in a body, and tries again while other writes come first.
async fn increment(store: Arc<dyn BodyStore>, id: String, until: Timestamp) -> Outcome {
    let mut seen = there(store.read(&id).await?)?;
    loop {
        let text = String::from_utf8_lossy(&seen.bytes).into_owned();
        let number = (0..=CROWD).find(|number| body(*number) == text);
        let next = body(number.ok_or_else(|| Failure::answer("the body was never written"))? + 1);
        match store.replace(&id, seen.version, next.as_bytes(), until).await? {
            Replaced::Replaced(_) => return Ok(()),
            Replaced::Changed(other) => seen = other,
            Replaced::Missing => return Err(Failure::answer("the body is gone").into()),
        }
    }
}

async fn many_increments_at_once_lose_nothing(t: &Harness) -> Outcome {
    let (id, until) = (t.id(), t.soon());
    kept(t, &id, &body(0)).await?;
    at_once(|_| Box::pin(increment(Arc::clone(&t.store), id.clone(), until))).await?;
    let read = there(t.store.read(&id).await?)?;
    ensure(read.bytes == body(CROWD).as_bytes(), "an increment was lost")
}

async fn many_inserts_at_once_make_one_body(t: &Harness) -> Outcome {
    let (id, until) = (t.id(), t.soon());
    let insert = |number| {
        let (store, id) = (Arc::clone(&t.store), id.clone());
        Box::pin(async move { Ok(store.insert(&id, body(number).as_bytes(), until).await?) }) as _
    };
    let answers: Vec<Option<Version>> = at_once(insert).await?;
    let made: Vec<_> = answers.into_iter().flatten().collect();
    same("how many were made", &made.len(), &1)?;
    same("the version", &there(t.store.read(&id).await?)?.version, &made[0])
}

/// Fails unless each id has a body of its own, or is refused with an error that says so and has none.
async fn are_apart(t: &Harness, ids: &[String]) -> Outcome {
    let mut made = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        match t.store.insert(id, body(number).as_bytes(), t.soon()).await {
            Ok(answer) => made.push((id, number, inserted(answer)?)),
            Err(error) => {
                ensure(
                    matches!(error.kind(), ErrorKind::Invalid | ErrorKind::TooLarge),
                    "an unclear refusal",
                )?;
                same("a read of a refused id", &t.store.read(id).await?, &None)?;
                same("an end of a refused id", &t.store.end(id, None).await?, &Ended::Missing)?;
            }
        }
    }
    for (id, number, version) in made {
        has(&there(t.store.read(id).await?)?, &body(number), version)?;
        ensure(matches!(t.store.end(id, Some(version)).await?, Ended::Ended(_)), "nothing was ended")?;
    }
    Ok(())
}

async fn ids_with_odd_characters_are_kept_apart_or_refused(t: &Harness) -> Outcome {
    let id = t.id();
    let ends = [
        "a", "A", "a ", "a\t", " a", "a\0", "á", "a\u{301}", "ß", "ss", "'", "''", "\"", "`", "\\", "\\'",
        "%", "_", "*", "?", ";--", "{a}", "}{", "😀", "\r\n", "/../a", "$1", ":x", ".", "",
    ];
    let ids: Vec<_> = ends.iter().map(|end| format!("{id}{end}")).collect();
    are_apart(t, &ids).await
}

async fn ids_of_many_lengths_are_kept_whole_or_refused(t: &Harness) -> Outcome {
    let id = t.id();
    let ids: Vec<_> =
        [64, 127, 128, 129, 200, 254, 255].iter().map(|length| format!("{id:x<length$}")).collect();
    are_apart(t, &ids).await
}
