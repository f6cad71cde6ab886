//! A JSON object, cut into members whose values are not parsed.

use bytes::Bytes;

use super::node::Node;
use super::split::{parts, string_end};
use crate::state::key_index::KeyIndex;

/// How many members are looked through one by one.
const FEW: usize = 32;

/// A JSON object. Where a name is there twice, the last one counts, as for JSON readers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    members: Vec<Member>,
    /// Finds members when they are many.
    index: Option<Box<KeyIndex>>,
    /// Whether one name is known to be there twice. Only an index knows.
    has_twins: bool,
}

#[derive(Clone, Debug)]
struct Member {
    /// The name as it was written, with its quotes and the white space around it.
    text: Bytes,
    /// The name without escapes; one that is not Unicode text begins with a byte that no other name has.
    name: Bytes,
    /// `None`: removed. The place stays, so that no other moves.
    value: Option<Node>,
}

impl Object {
    /// Cuts a valid JSON object into its members.
    pub(super) fn of(text: &Bytes) -> Self {
        let member = |part: std::ops::Range<usize>| Member::of(&text.slice(part));
        let mut object =
            Self { members: parts(text).into_iter().filter_map(member).collect(), ..Self::default() };
        object.index_if_many();
        object
    }

    /// Finds one value in the text of an object, without keeping the others.
    pub(super) fn find_in_text(text: &Bytes, name: &str) -> Option<Bytes> {
        let members = parts(text).into_iter().rev().filter_map(|part| Member::of(&text.slice(part)));
        let found = members.into_iter().find(|member| *member.name == *name.as_bytes())?;
        found.value.map(|value| value.text())
    }

    fn index_if_many(&mut self) {
        if self.members.len() <= FEW || self.index.is_some() {
            return;
        }
        let mut index = Box::<KeyIndex>::default();
        for number in 0..self.members.len() {
            self.has_twins |= index.replace(number, |number| &self.members[number].name);
        }
        self.index = Some(index);
    }

    fn place(&self, name: &str) -> Option<usize> {
        #[cfg(test)]
        super::work::add(if self.index.is_some() { 1 } else { self.members.len() });
        let place = match &self.index {
            Some(index) => index.find(name.as_bytes(), |number| &self.members[number].name)?,
            None => self
                .members
                .iter()
                .rposition(|member| member.value.is_some() && *member.name == *name.as_bytes())?,
        };
        self.members[place].value.is_some().then_some(place)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.members[self.place(name)?].value.as_ref()
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        let place = self.place(name)?;
        self.members[place].value.as_mut()
    }

    /// Appends a member whose name is not there.
    pub(super) fn append(&mut self, name: &str, value: Node) {
        let text = Bytes::from(serde_json::Value::from(name).to_string());
        self.members.push(Member { text, name: Bytes::copy_from_slice(name.as_bytes()), value: Some(value) });
        let number = self.members.len() - 1;
        match &mut self.index {
            Some(index) => {
                index.replace(number, |number| &self.members[number].name);
            }
            None => self.index_if_many(),
        }
    }

    /// Removes a member; if its name is there twice, both.
    pub(super) fn remove(&mut self, name: &str) {
        let twins = self.index.is_none() || self.has_twins;
        let Some(place) = self.place(name) else { return };
        self.members[place].value = None;
        if twins {
            self.members
                .iter_mut()
                .filter(|member| *member.name == *name.as_bytes())
                .for_each(|member| member.value = None);
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut is_first = true;
        for member in &self.members {
            let Some(value) = &member.value else { continue };
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            out.extend_from_slice(&member.text);
            out.push(b':');
            value.write(out);
        }
        out.push(b'}');
    }
}

impl Member {
    /// Cuts `"name" : value` at its colon.
    fn of(part: &Bytes) -> Option<Self> {
        let start = memchr::memchr(b'"', part)?;
        let end = string_end(part, start);
        let colon = end + memchr::memchr(b':', part.get(end..)?)?;
        let quoted = part.slice(start..end);
        let inner = quoted.slice(1..quoted.len().checked_sub(1)?.max(1));
        let name = if memchr::memchr(b'\\', &inner).is_none() {
            inner
        } else {
            let read = serde_json::from_slice::<String>(&quoted);
            read.map_or_else(|_| [&[0xff], &inner[..]].concat().into(), Bytes::from)
        };
        Some(Self { text: part.slice(..colon), name, value: Some(Node::Raw(part.slice(colon + 1..))) })
    }
}
