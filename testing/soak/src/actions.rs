//! What a worker does to a session in one request.

use std::collections::BTreeMap;

use cloakroom::Session;

use crate::{
    Fault,
    history::{Action, Content},
    wire::{Order, user},
};

/// What an action came to, before it was committed.
pub(crate) enum Did {
    Saw(Content),
    Got(Vec<u32>),
    Changed,
}

impl Action {
    /// Returns whether it changes values, and nothing about the session or its id.
    pub(crate) const fn changes_values(self) -> bool {
        use Action::{Create, LogIn, LogOut, Read, Renew, Revoke};
        !matches!(self, Create | Read | Renew | LogIn | LogOut | Revoke)
    }
}

/// Does what the order says; a read hands out what is there.
pub(crate) async fn act(session: &Session, order: &Order, fault: Option<Fault>) -> cloakroom::Result<Did> {
    match order.action {
        Action::Read => return content(session).map(Did::Saw),
        Action::Add(tag) => {
            session.push("tags", tag)?;
            session.increment("count", 1)?;
        }
        Action::Put(item) => drop(session.push("queue", item)?),
        Action::Fill(item) => session.insert("slot", item)?,
        Action::Issue(ticket) => session.path(&place_of(ticket)).insert(ticket)?,
        Action::Append(item) => drop(session.push("list", item)?),
        Action::Renew => session.cycle_id(),
        Action::LogIn => session.log_in(user(order.session))?,
        Action::LogOut => session.log_out(),
        Action::Create | Action::Revoke => {}
        Action::TakeQueue => return take_queue(session, fault).map(Did::Got),
        Action::TakeSlot => return Ok(Did::Got(session.take("slot")?.into_iter().collect())),
        Action::Claim(ticket) => return claim(session, ticket, fault).await.map(Did::Got),
        Action::Remove => return remove(session, order.number, fault).map(Did::Got),
        Action::Replace(item) => return replace(session, order.number, item).map(Did::Got),
    }
    Ok(Did::Changed)
}

pub(crate) fn content(session: &Session) -> cloakroom::Result<Content> {
    let tickets: BTreeMap<String, u32> = session.get_or("tickets", BTreeMap::new())?;
    Ok(Content {
        session: session.get_or("session", 0)?,
        tags: session.get_or("tags", Vec::new())?,
        count: session.get_or("count", 0)?,
        queue: session.get_or("queue", Vec::new())?,
        slot: session.get("slot")?.into_iter().collect(),
        tickets: tickets.into_values().collect(),
        list: session.get_or("list", Vec::new())?,
    })
}

fn take_queue(session: &Session, fault: Option<Fault>) -> cloakroom::Result<Vec<u32>> {
    if fault == Some(Fault::TakesRemoveAll) {
        let queue = session.get_or("queue", Vec::new())?;
        session.insert("queue", Vec::<u32>::new())?;
        return Ok(queue);
    }
    Ok(session.take("queue")?.unwrap_or_default())
}

/// A ticket is a member of an object: each has a place of its own.
fn place_of(ticket: u32) -> String {
    format!("tickets.t{ticket}")
}

async fn claim(session: &Session, ticket: u32, fault: Option<Fault>) -> cloakroom::Result<Vec<u32>> {
    let place = place_of(ticket);
    let at = session.path(&place);
    let claimed = if fault == Some(Fault::ClaimsTake) { at.take()? } else { at.claim().await? };
    Ok(claimed.into_iter().collect())
}

/// The place of some item of the list.
fn place_in_list(session: &Session, number: u64) -> cloakroom::Result<Option<usize>> {
    let length = session.get_or("list", Vec::<u32>::new())?.len();
    Ok(number.checked_rem(length as u64).and_then(|index| usize::try_from(index).ok()))
}

fn remove(session: &Session, number: u64, fault: Option<Fault>) -> cloakroom::Result<Vec<u32>> {
    let Some(index) = place_in_list(session, number)? else { return Ok(Vec::new()) };
    let place = format!("list.{index}");
    let at = session.path(&place);
    if fault != Some(Fault::IndexIsBlind) {
        return Ok(at.take()?.into_iter().collect());
    }
    let seen = at.get()?.into_iter().collect();
    session.update("list", move |list: Option<Vec<u32>>| {
        let mut list = list.unwrap_or_default();
        if index < list.len() {
            list.remove(index);
        }
        list
    })?;
    Ok(seen)
}

fn replace(session: &Session, number: u64, item: u32) -> cloakroom::Result<Vec<u32>> {
    let Some(index) = place_in_list(session, number)? else {
        session.push("list", item)?;
        return Ok(Vec::new());
    };
    let place = format!("list.{index}");
    let at = session.path(&place);
    let seen = at.get()?.into_iter().collect();
    at.insert(item)?;
    Ok(seen)
}
