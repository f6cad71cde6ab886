//! The cases about going through all bodies.

use std::collections::BTreeSet;
use std::time::Duration;

use cloakroom_store::{BodyStore as _, Sweep};

use super::Harness;
use super::cases::{body, inserted, kept, wait_until};
use crate::expect::{ensure, same};
use crate::failure::{Outcome, Stop};

async fn sweep_all(sweep: &dyn Sweep) -> Outcome {
    while sweep.sweep(2).await?.more {}
    Ok(())
}

pub(super) async fn a_sweep_removes_what_has_expired_and_nothing_else(t: &Harness) -> Outcome {
    let sweep = t.store.capabilities().sweep.ok_or(Stop::NotApplicable("it cannot sweep"))?;
    for shift in [0, 500] {
        let due = t.soon() + Duration::from_millis(shift);
        let ids = [t.id(), t.id(), t.id()];
        for id in &ids {
            inserted(t.store.insert(id, body(1).as_bytes(), due).await?)?;
        }
        let touched = t.id();
        kept(t, &touched, &body(1)).await?;
        t.store.touch(&touched, due + Duration::from_secs(60)).await?;
        wait_until(t, t.rounded(due) - Duration::from_millis(1))?;
        sweep_all(sweep).await?;
        for id in &ids {
            ensure(t.other.finds(id).await?, "a sweep removed a body that had not expired")?;
        }
        wait_until(t, t.rounded(due) + Duration::from_secs(1))?;
        sweep_all(sweep).await?;
        for id in &ids {
            same("what the other package finds of an expired body", &t.other.finds(id).await?, &false)?;
        }
        ensure(t.store.read(&touched).await?.is_some(), "a sweep removed a body that was touched")?;
    }
    Ok(())
}

pub(super) async fn the_ids_of_all_bodies_are_listed_page_by_page(t: &Harness) -> Outcome {
    let list = t.store.capabilities().ids.ok_or(Stop::NotApplicable("it cannot name its keys"))?;
    let (mut made, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..7 {
        let id = t.id();
        kept(t, &id, &body(number)).await?;
        made.insert(id);
    }
    for limit in [1, 3, 1_000] {
        let mut after = None;
        loop {
            let page = list.ids(after.as_ref(), limit).await?;
            seen.extend(page.ids);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        same("how many ids are not listed", &made.difference(&seen).count(), &0)?;
        seen.clear();
    }
    Ok(())
}
