//! A JSON object split into its members.

use super::fingerprint::fingerprint;
use super::scan::{as_text, each_member};
use super::text::{Text, push_string, unescape};
use super::{BodyError, Json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// Holds a JSON object as its members, in the order of the text. `Debug` shows neither keys nor values.
///
/// A key that comes twice counts once, as in JavaScript: at its first place, with its last value. Keys keep the order
/// of the text; JavaScript lists integer-like keys (`"10"`) first and in ascending order, so a text written by Node
/// has them there; one that is added here goes where JavaScript would put it. Other new keys go to the end.
///
/// ```
/// use cloakroom_node::body::{Json, Object};
///
/// let mut body = Object::parse(br#"{"cookie":{"path":"/"},"odd":"\ud83d"}"#)?;
/// body.set("views", Json::number(1));
/// assert_eq!(body.to_text(), r#"{"cookie":{"path":"/"},"odd":"\ud83d","views":1}"#);
/// # Ok::<(), cloakroom_node::body::BodyError>(())
/// ```
#[derive(Clone, Default)]
pub struct Object<'a> {
    /// The text that was read, as long as nothing is changed.
    unchanged: Option<&'a str>,
    members: Vec<Member<'a>>,
}

/// One member of an [`Object`].
#[derive(Clone)]
pub struct Member<'a> {
    name: Name<'a>,
    value: Json<'a>,
}

/// The key of a member. Two keys are equal if they decode to the same string, however they are escaped.
#[derive(Clone)]
pub struct Name<'a> {
    raw: Cow<'a, str>,
    content: Text<'a>,
}

impl<'a> Object<'a> {
    /// Splits a text into members, in linear time.
    ///
    /// # Errors
    /// As [`spans`](super::spans).
    pub fn parse(text: &'a [u8]) -> Result<Self, BodyError> {
        Self::split(as_text(text)?)
    }

    /// As [`parse`](Self::parse), where the text is known to be UTF-8 and not too long.
    pub(super) fn split(text: &'a str) -> Result<Self, BodyError> {
        let mut gathered = Gathered { members: Vec::with_capacity(USUAL), seen: 0, places: None };
        each_member(text, |span| {
            gathered.add(Name::of(&text[span.key]), Json::scanned(&text[span.value]));
        })?;
        Ok(Self { unchanged: Some(text), members: gathered.members })
    }

    /// Returns the members in order.
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    /// Returns whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.place(key).map(|place| &self.members[place].value)
    }

    /// Sets the value of a key. An existing key keeps its position.
    pub fn set(&mut self, key: &str, value: Json<'a>) {
        let place = self.place(key).unwrap_or_else(|| match integer(key) {
            Some(number) => self.place_of_integer(number),
            None => self.members.len(),
        });
        self.set_at(place, key, value);
    }

    /// Sets the value of a key. An existing key keeps its position, a new one gets this position.
    pub(super) fn set_at(&mut self, place: usize, key: &str, value: Json<'a>) {
        self.unchanged = None;
        match self.place(key) {
            Some(place) => self.members[place].value = value,
            None => self.members.insert(place, Member { name: Name::new(key), value }),
        }
    }

    /// Removes a member and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Json<'a>> {
        let place = self.place(key)?;
        self.unchanged = None;
        Some(self.members.remove(place).value)
    }

    /// Returns the JSON text: the original text if nothing was changed, otherwise the members without whitespace
    /// between them.
    pub fn to_text(&self) -> Cow<'_, str> {
        if let Some(text) = self.unchanged {
            return Cow::Borrowed(text);
        }
        let length = |member: &Member<'_>| member.name.raw.len() + member.value.as_str().len() + 2;
        let mut text = String::with_capacity(self.members.iter().map(length).sum::<usize>() + 2);
        self.write_members(&mut text);
        Cow::Owned(text)
    }

    /// Appends the members, in braces and without whitespace between them.
    pub(super) fn write_members(&self, out: &mut String) {
        out.push('{');
        for (index, member) in self.members.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&member.name.raw);
            out.push(':');
            out.push_str(member.value.as_str());
        }
        out.push('}');
    }

    /// Returns whether a member was set or removed since the text was read.
    pub fn is_changed(&self) -> bool {
        self.unchanged.is_none()
    }

    /// Copies the object so that it no longer borrows from the text. It counts as changed.
    pub fn into_owned(self) -> Object<'static> {
        let owned = |member: Member<'a>| Member {
            name: Name {
                raw: Cow::Owned(member.name.raw.into_owned()),
                content: member.name.content.into_owned(),
            },
            value: member.value.into_owned(),
        };
        Object { unchanged: None, members: self.members.into_iter().map(owned).collect() }
    }

    pub(super) fn place(&self, key: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name.content.as_bytes() == key.as_bytes())
    }

    /// Returns the position before the first key that is greater or not an integer.
    fn place_of_integer(&self, number: u32) -> usize {
        let is_after =
            |member: &Member<'_>| member.name.as_str().and_then(integer).is_none_or(|other| other > number);
        self.members.iter().position(is_after).unwrap_or(self.members.len())
    }
}

/// How many members most objects have at most.
const USUAL: usize = 8;

/// How many members are searched one by one for a key that comes twice; with more of them, a hash table finds it.
const SEARCHED: usize = 16;

/// The members that were read so far.
struct Gathered<'a> {
    members: Vec<Member<'a>>,
    /// The fingerprints of the keys.
    seen: u64,
    /// Where each key is; `None` as long as there are few.
    places: Option<HashMap<Text<'a>, usize>>,
}

impl<'a> Gathered<'a> {
    /// Adds a member, or replaces the value of one with the same key.
    #[inline]
    fn add(&mut self, name: Name<'a>, value: Json<'a>) {
        let fingerprint = fingerprint(name.content.as_bytes());
        let is_seen = self.seen & fingerprint != 0;
        self.seen |= fingerprint;
        let place = match self.members.len() {
            0..SEARCHED if !is_seen => None,
            0..SEARCHED => self.members.iter().position(|member| member.name == name),
            _ => self.place_among_many(&name),
        };
        match place {
            Some(place) => self.members[place].value = value,
            None => self.members.push(Member { name, value }),
        }
    }

    /// Returns the position of a key that was seen before. A new key is expected to be appended.
    fn place_among_many(&mut self, name: &Name<'a>) -> Option<usize> {
        let members = &self.members;
        let numbered = || {
            let names = members.iter().map(|member| member.name.content.clone());
            names.enumerate().map(|(place, content)| (content, place)).collect()
        };
        let places = self.places.get_or_insert_with(numbered);
        let place = *places.entry(name.content.clone()).or_insert(members.len());
        (place < members.len()).then_some(place)
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({} members)", self.members.len())
    }
}

impl<'a> Member<'a> {
    /// Returns the key.
    pub fn name(&self) -> &Name<'a> {
        &self.name
    }

    /// Returns the value.
    pub fn value(&self) -> &Json<'a> {
        &self.value
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member(.., {:?})", self.value)
    }
}

impl<'a> Name<'a> {
    /// Decodes a key from a scanned text, quotes included.
    #[inline]
    fn of(raw: &'a str) -> Self {
        let inside = &raw[1..raw.len() - 1];
        Self { raw: Cow::Borrowed(raw), content: unescape(inside) }
    }

    fn new(key: &str) -> Self {
        let mut raw = String::with_capacity(key.len() + 2);
        push_string(&mut raw, key);
        Self { raw: Cow::Owned(raw), content: Text::Unicode(Cow::Owned(key.to_owned())) }
    }

    /// Returns the decoded key, or `None` if it has a lone surrogate, which a Rust string cannot hold.
    pub fn as_str(&self) -> Option<&str> {
        self.content.as_str()
    }

    /// Returns the key as it is written, quotes included.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl Eq for Name<'_> {}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({} bytes)", self.content.as_bytes().len())
    }
}

/// Returns the number of a key that JavaScript orders by number: 0 to 2^32 - 2 without a leading zero.
fn integer(key: &str) -> Option<u32> {
    let number: u32 = key.parse().ok()?;
    (number != u32::MAX && (key == "0" || key.starts_with(|first: char| matches!(first, '1'..='9'))))
        .then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{Json, Object, integer};
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    #[test]
    fn a_key_that_comes_twice_has_its_first_place_and_its_last_value() {
        let mut object = Object::parse(br#"{"a":1,"b":2,"\u0061":3}"#).unwrap();
        assert_eq!(object.members().len(), 2);
        assert_eq!(object.get("a").unwrap().as_str(), "3");
        object.set("c", Json::NULL);
        assert_eq!(object.to_text(), r#"{"a":3,"b":2,"c":null}"#);
    }

    #[test]
    fn integer_like_keys_are_put_where_javascript_puts_them() {
        let mut object = Object::parse(br#"{"2":0,"10":0,"z":0}"#).unwrap();
        for key in ["a", "3", "11", "0", "007", "4294967295"] {
            object.set(key, Json::NULL);
        }
        let keys: Vec<&str> = object.members().iter().filter_map(|member| member.name().as_str()).collect();
        assert_eq!(keys, ["0", "2", "3", "10", "11", "z", "a", "007", "4294967295"]);
        assert_eq!(["-1", "+1", "01", "1.0", "", "4294967295"].map(integer), [None; 6]);
    }

    #[test]
    fn a_key_with_a_lone_surrogate_is_kept() {
        let mut object = Object::parse(br#"{"\ud83d":1,"\ud83e":2}"#).unwrap();
        assert_eq!((object.members().len(), object.members()[0].name().as_str()), (2, None));
        object.set("a", Json::NULL);
        assert_eq!(object.to_text(), r#"{"\ud83d":1,"\ud83e":2,"a":null}"#);
    }

    #[test]
    fn a_changed_object_keeps_the_text_of_what_was_not_changed() {
        let mut object = Object::parse(b" { \"a\" : [ 1 , -0 ] ,\n\"b\":1.0 } ").unwrap();
        assert!(!object.is_changed());
        assert!(object.remove("x").is_none() && !object.is_changed());
        assert_eq!(object.remove("b").unwrap().as_str(), "1.0");
        assert_eq!(object.to_text(), r#"{"a":[ 1 , -0 ]}"#);
    }

    #[test]
    fn many_members_take_time_in_proportion_and_the_last_value_counts_there_too() {
        let members: Vec<String> = (0..200_000).map(|index| format!("\"k{index}\":{index}")).collect();
        let text = format!("{{{},\"k7\":null}}", members.join(","));
        let object = Object::parse(text.as_bytes()).unwrap();
        assert_eq!(object.members().len(), 200_000);
        assert_eq!(object.members()[7].value().as_str(), "null");
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec((".{0,4}", inner), 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn splitting_and_joining_gives_the_same_text(
            members in prop::collection::vec((".{0,4}", json()), 0..8),
            pretty: bool,
        ) {
            let value = serde_json::Value::Object(members.into_iter().collect());
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            let object = Object::parse(text.as_bytes()).unwrap();
            assert_eq!(object.to_text(), text);
            if !pretty {
                assert_eq!(object.into_owned().to_text(), text);
            }
        }

        #[test]
        fn a_member_that_is_set_reads_back_and_leaves_the_others(key in ".{0,4}", value in json()) {
            let before = br#"{"a":1,"5":2}"#;
            let mut object = Object::parse(before).unwrap();
            let text = value.to_string();
            object.set(&key, Json::parse(&text).unwrap());
            let written = object.to_text();
            let mut expected: serde_json::Value = serde_json::from_slice(before).unwrap();
            expected[key] = value;
            assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap().to_string(), expected.to_string());
        }
    }
}
