//! Writes the fields of a type as the values of a session.

use std::any::type_name;

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::Fields;
use super::fault::Fault;
use crate::state::json::{from_json, to_json};
use crate::{Error, ErrorKind, Result};

/// Writes each field of `value` as JSON.
pub(super) fn fields<T: Serialize>(value: &T) -> Result<Fields> {
    value.serialize(Writer).map_err(|fault| match fault {
        Fault::Value(error) => error,
        Fault::Missing(_) | Fault::Type => {
            let message = format!("{} is not a struct or a map of values", type_name::<T>());
            Error::new(ErrorKind::Encode, message)
        }
    })
}

/// Takes a struct or a map, and nothing else.
struct Writer;

/// The fields that are written, and the key of the next one.
#[derive(Default)]
struct Written {
    fields: Fields,
    key: String,
}

impl Written {
    fn add<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Fault> {
        let json = to_json(&key, 0, &value).map_err(Fault::Value)?;
        self.fields.push((key, json));
        Ok(())
    }
}

impl SerializeStruct for Written {
    type Ok = Fields;
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Fault> {
        self.add(key.to_owned(), value)
    }

    fn end(self) -> Result<Fields, Fault> {
        Ok(self.fields)
    }
}

impl SerializeMap for Written {
    type Ok = Fields;
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let text = to_json("a key", 0, &key).map_err(|_| Fault::Type)?;
        self.key = from_json("a key", &text).map_err(|_| Fault::Type)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let key = std::mem::take(&mut self.key);
        self.add(key, value)
    }

    fn end(self) -> Result<Fields, Fault> {
        Ok(self.fields)
    }
}

macro_rules! refuse {
    ($($method:ident($($argument:ty),*) -> $out:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$out, Fault> { Err(Fault::Type) })*
    };
}

impl Serializer for Writer {
    type Ok = Fields;
    type Error = Fault;
    type SerializeSeq = Impossible<Fields, Fault>;
    type SerializeTuple = Impossible<Fields, Fault>;
    type SerializeTupleStruct = Impossible<Fields, Fault>;
    type SerializeTupleVariant = Impossible<Fields, Fault>;
    type SerializeMap = Written;
    type SerializeStruct = Written;
    type SerializeStructVariant = Impossible<Fields, Fault>;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Written, Fault> {
        Ok(Written::default())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Written, Fault> {
        Ok(Written::default())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Fields, Fault> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Fields, Fault> {
        Err(Fault::Type)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Fields, Fault> {
        Err(Fault::Type)
    }

    refuse! {
        serialize_bool(bool) -> Fields;
        serialize_i8(i8) -> Fields;
        serialize_i16(i16) -> Fields;
        serialize_i32(i32) -> Fields;
        serialize_i64(i64) -> Fields;
        serialize_u8(u8) -> Fields;
        serialize_u16(u16) -> Fields;
        serialize_u32(u32) -> Fields;
        serialize_u64(u64) -> Fields;
        serialize_f32(f32) -> Fields;
        serialize_f64(f64) -> Fields;
        serialize_char(char) -> Fields;
        serialize_str(&str) -> Fields;
        serialize_bytes(&[u8]) -> Fields;
        serialize_none() -> Fields;
        serialize_unit() -> Fields;
        serialize_unit_struct(&'static str) -> Fields;
        serialize_unit_variant(&'static str, u32, &'static str) -> Fields;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}
