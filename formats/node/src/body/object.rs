//! A JSON object split into its members.

use super::scan::{as_text, spans_of_text};
use super::text::unescape;
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
    content: Cow<'a, [u8]>,
}

impl<'a> Object<'a> {
    /// Splits a text into members, in linear time.
    ///
    /// # Errors
    /// As [`spans`](super::spans).
    pub fn parse(text: &'a [u8]) -> Result<Self, BodyError> {
        let text = as_text(text)?;
        let spans = spans_of_text(text)?;
        let mut members: Vec<Member<'a>> = Vec::with_capacity(spans.len());
        let mut places = Places::new(spans.len());
        for span in spans {
            let name = Name::of(&text[span.key]);
            let value = Json::scanned(&text[span.value]);
            match places.of(&name, &members) {
                Some(place) => members[place].value = value,
                None => members.push(Member { name, value }),
            }
        }
        Ok(Self { unchanged: Some(text), members })
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
        text.push('{');
        for (index, member) in self.members.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&member.name.raw);
            text.push(':');
            text.push_str(member.value.as_str());
        }
        text.push('}');
        Cow::Owned(text)
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
                content: Cow::Owned(member.name.content.into_owned()),
            },
            value: member.value.into_owned(),
        };
        Object { unchanged: None, members: self.members.into_iter().map(owned).collect() }
    }

    pub(super) fn place(&self, key: &str) -> Option<usize> {
        self.members.iter().position(|member| *member.name.content == *key.as_bytes())
    }

    /// Returns the position before the first key that is greater or not an integer.
    fn place_of_integer(&self, number: u32) -> usize {
        let is_after =
            |member: &Member<'_>| member.name.as_str().and_then(integer).is_none_or(|other| other > number);
        self.members.iter().position(is_after).unwrap_or(self.members.len())
    }
}

/// Finds duplicate keys: with a hash table if there are many, by linear search if there are few.
struct Places<'a>(Option<HashMap<Cow<'a, [u8]>, usize>>);

impl<'a> Places<'a> {
    fn new(keys: usize) -> Self {
        Self((keys > 16).then(|| HashMap::with_capacity(keys)))
    }

    /// Returns the position of a key that was seen before. A new key is expected to be appended.
    fn of(&mut self, name: &Name<'a>, members: &[Member<'a>]) -> Option<usize> {
        let Some(places) = &mut self.0 else { return members.iter().position(|member| member.name == *name) };
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
    fn of(raw: &'a str) -> Self {
        let inside = &raw[1..raw.len() - 1];
        Self { raw: Cow::Borrowed(raw), content: unescape(inside) }
    }

    fn new(key: &str) -> Self {
        let raw = Json::string(key).as_str().to_owned();
        Self { raw: Cow::Owned(raw), content: Cow::Owned(key.as_bytes().to_vec()) }
    }

    /// Returns the decoded key, or `None` if it has a lone surrogate, which a Rust string cannot hold.
    pub fn as_str(&self) -> Option<&str> {
        str::from_utf8(&self.content).ok()
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
        write!(f, "Name({} bytes)", self.content.len())
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
