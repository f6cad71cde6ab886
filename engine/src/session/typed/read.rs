//! Reads the values of a session as the fields of a type.

use std::any::type_name;

use bytes::Bytes;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

use super::Fields;
use super::fault::Fault;
use super::write::fields;
use crate::state::json::of_another_type;
use crate::{Error, ErrorKind, Result};

/// Reads `entries` as a `T`: what is missing is as in its default.
pub(super) fn read<T: Serialize + DeserializeOwned + Default>(
    mut entries: Fields,
    is_lenient: impl Fn(&str) -> bool,
) -> Result<T> {
    let mut defaults: Option<Fields> = None;
    // Each round adds a field or takes one away that is never added again, but once by its default.
    loop {
        match T::deserialize(Source { entries: &entries }) {
            Ok(value) => return Ok(value),
            Err(Fault::Missing(field)) => {
                if defaults.is_none() {
                    defaults = Some(fields(&T::default())?);
                }
                let known = defaults.iter_mut().flatten().position(|(key, _)| key == field);
                let Some((place, defaults)) = known.zip(defaults.as_mut()) else {
                    return Err(error_of::<T>(&Fault::Missing(field)).of_key(field));
                };
                entries.push(defaults.swap_remove(place));
            }
            Err(Fault::Value(error)) => {
                let key = error.key().filter(|key| is_lenient(key));
                match key.and_then(|key| entries.iter().position(|(name, _)| name == key)) {
                    Some(place) => drop(entries.remove(place)),
                    None => return Err(error),
                }
            }
            Err(fault @ Fault::Type) => return Err(error_of::<T>(&fault)),
        }
    }
}

fn error_of<T>(fault: &Fault) -> Error {
    Error::new(ErrorKind::Decode, format!("the session cannot be read as {}: {fault}", type_name::<T>()))
}

/// The values of a session, as serde reads them.
struct Source<'de> {
    entries: &'de Fields,
}

impl<'de> Deserializer<'de> for Source<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Entries { rest: self.entries.iter(), fields: None, value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_map(Entries { rest: self.entries.iter(), fields: Some(fields), value: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The values that are left to read.
struct Entries<'de> {
    rest: std::slice::Iter<'de, (String, Bytes)>,
    /// The fields of the struct that is read; `None`: every key is wanted.
    fields: Option<&'static [&'static str]>,
    value: Option<(&'de str, &'de [u8])>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let fields = self.fields;
        let is_wanted = |key: &str| fields.is_none_or(|fields| fields.contains(&key));
        let Some((key, value)) = self.rest.find(|(key, _)| is_wanted(key)) else { return Ok(None) };
        self.value = Some((key, value));
        let key: StrDeserializer<'_, Fault> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, json) = self.value.take().unwrap_or_default();
        let mut reader = serde_json::Deserializer::from_slice(json);
        let value = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
        value.map_err(|error| Fault::Value(of_another_type(key, &error)))
    }
}
