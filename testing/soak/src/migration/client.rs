//! A client, and what it knows of its session.

use crate::dice::Dice;

/// A client with a session.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Which one it is; the session says so too.
    pub(crate) number: u32,
    /// The `Cookie` header.
    pub(crate) cookie: String,
    /// Whether a user is logged in.
    pub(crate) logged_in: bool,
    /// What was appended, and acknowledged.
    pub(crate) tags: Vec<u32>,
    /// What was appended, and never answered.
    pub(crate) perhaps: Vec<u32>,
    /// Cookies that a new id has replaced.
    pub(crate) former: Vec<String>,
    pub(crate) fate: Fate,
}

/// The state of a session, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// No one has ended it.
    Here,
    /// It was ended, and that was acknowledged.
    Ended,
    /// It was to be ended, and that was never answered.
    PerhapsEnded,
    /// It was to get a new id, and that was never answered.
    PerhapsElsewhere,
}

/// A session as a read returned it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Seen {
    #[serde(default)]
    pub(crate) number: u32,
    #[serde(default)]
    pub(crate) coat: String,
    #[serde(default)]
    pub(crate) tags: Vec<u32>,
    #[serde(default)]
    pub(crate) count: usize,
    #[serde(skip)]
    pub(crate) user: Option<String>,
}

impl Client {
    pub(crate) fn new(number: u32, cookie: String, logged_in: bool) -> Self {
        let (tags, perhaps, former) = (Vec::new(), Vec::new(), Vec::new());
        Self { number, cookie, logged_in, tags, perhaps, former, fate: Fate::Here }
    }

    pub(crate) fn user(&self) -> String {
        user(self.number)
    }

    /// What is wrong with a use its session, if anything is; what is seen of the unanswered is known from then on.
    pub(crate) fn judge(&mut self, seen: Option<&Seen>) -> Option<String> {
        let number = self.number;
        let Some(seen) = seen else {
            return (self.fate == Fate::Here).then(|| format!("session {number} is lost"));
        };
        if self.fate == Fate::Ended {
            return Some(format!("session {number} is back after its end"));
        }
        if seen.number != number || seen.coat != coat(number) {
            return Some(format!("session {number} has become {}, or its coat another", seen.number));
        }
        if (self.fate == Fate::Here) && seen.user != self.logged_in.then(|| self.user()) {
            return Some(format!("session {number} is of the user {:?}", seen.user));
        }
        self.judge_tags(seen)
    }

    fn judge_tags(&mut self, seen: &Seen) -> Option<String> {
        let number = self.number;
        let mut tags = seen.tags.clone();
        tags.sort_unstable();
        tags.dedup();
        if tags.len() != seen.tags.len() || tags.len() != seen.count {
            return Some(format!("a write of session {number} is there twice"));
        }
        if let Some(tag) = self.tags.iter().find(|tag| tags.binary_search(tag).is_err()) {
            return Some(format!("the write {tag} of session {number} was acknowledged and is lost"));
        }
        tags.retain(|tag| !self.tags.contains(tag));
        if let Some(tag) = tags.iter().find(|tag| !self.perhaps.contains(tag)) {
            return Some(format!("the write {tag} of session {number} was never made and is there"));
        }
        self.perhaps.retain(|tag| !tags.contains(tag));
        self.tags.append(&mut tags);
        None
    }
}

pub(crate) fn user(number: u32) -> String {
    format!("user {number}")
}

/// What a session holds that no other does: from some bytes to a few hundred.
pub(crate) fn coat(number: u32) -> String {
    let mut dice = Dice::new(number.into());
    let length = 1 + dice.below(20);
    (0..length).map(|_| format!("{:016x}", dice.number())).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client { tags: vec![1], perhaps: vec![2], ..Client::new(7, String::new(), false) }
    }

    fn seen(tags: &[u32]) -> Seen {
        Seen { number: 7, coat: coat(7), tags: tags.to_vec(), count: tags.len(), user: None }
    }

    #[track_caller]
    fn is_wrong(client: &mut Client, seen: Option<&Seen>) {
        assert!(client.judge(seen).is_some(), "{seen:?}");
    }

    #[test]
    fn what_was_acknowledged_is_there_once_and_nothing_else_is() {
        assert_eq!(client().judge(Some(&seen(&[1]))), None);
        assert_eq!(client().judge(Some(&seen(&[2, 1]))), None);
        for tags in [&[][..], &[1, 1], &[1, 3], &[2]] {
            is_wrong(&mut client(), Some(&seen(tags)));
        }
        is_wrong(&mut client(), Some(&Seen { count: 2, ..seen(&[1]) }));
    }

    #[test]
    fn what_was_seen_once_is_there_from_then_on() {
        let mut client = client();
        assert_eq!(client.judge(Some(&seen(&[1, 2]))), None);
        is_wrong(&mut client, Some(&seen(&[1])));
    }

    #[test]
    fn a_session_is_there_until_it_is_ended_and_never_again() {
        is_wrong(&mut client(), None);
        let mut ended = Client { fate: Fate::Ended, ..client() };
        assert_eq!(ended.judge(None), None);
        is_wrong(&mut ended, Some(&seen(&[1])));
        for fate in [Fate::PerhapsEnded, Fate::PerhapsElsewhere] {
            let mut client = Client { fate, ..client() };
            assert_eq!((client.judge(None), client.judge(Some(&seen(&[1])))), (None, None));
        }
    }

    #[test]
    fn a_session_keeps_its_coat_and_its_user() {
        is_wrong(&mut client(), Some(&Seen { coat: coat(8), ..seen(&[1]) }));
        is_wrong(&mut client(), Some(&Seen { user: Some(user(7)), ..seen(&[1]) }));
        is_wrong(&mut client(), Some(&Seen { number: 8, ..seen(&[1]) }));
    }
}
