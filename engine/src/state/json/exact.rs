//! A serializer that refuses numbers that JSON cannot express (NaN, infinity), and passes the rest on.

use std::cell::Cell;
use std::fmt::Display;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Refuses NaN and infinities, for which `serde_json` would write `null` without a word, and hands all else to `S`.
/// Also the form of what is inside: a value, or a compound that is being written.
pub(super) struct Exact<'a, S> {
    inner: S,
    /// Becomes `false` when a number is refused.
    is_finite: &'a Cell<bool>,
}

impl<'a, S> Exact<'a, S> {
    pub(super) const fn new(inner: S, is_finite: &'a Cell<bool>) -> Self {
        Self { inner, is_finite }
    }

    fn compound<T, E>(self, begin: impl FnOnce(S) -> Result<T, E>) -> Result<Exact<'a, T>, E> {
        Ok(Exact { inner: begin(self.inner)?, is_finite: self.is_finite })
    }
}

impl<T: Serialize + ?Sized> Serialize for Exact<'_, &T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(Exact { inner: serializer, is_finite: self.is_finite })
    }
}

macro_rules! forward {
    ($($method:ident($type:ty);)*) => {
        $(#[inline] fn $method(self, value: $type) -> Result<S::Ok, S::Error> { self.inner.$method(value) })*
    };
}

macro_rules! forward_finite {
    ($($method:ident($type:ty);)*) => {
        $(#[inline] fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            if value.is_finite() {
                return self.inner.$method(value);
            }
            self.is_finite.set(false);
            Err(S::Error::custom("a number is NaN or infinite"))
        })*
    };
}

impl<'a, S: Serializer> Serializer for Exact<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Exact<'a, S::SerializeSeq>;
    type SerializeTuple = Exact<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Exact<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Exact<'a, S::SerializeTupleVariant>;
    type SerializeMap = Exact<'a, S::SerializeMap>;
    type SerializeStruct = Exact<'a, S::SerializeStruct>;
    type SerializeStructVariant = Exact<'a, S::SerializeStructVariant>;

    forward! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit_struct(&'static str);
    }
    forward_finite! {
        serialize_f32(f32);
        serialize_f64(f64);
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Exact::new(value, self.is_finite))
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Exact::new(value, self.is_finite))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = Exact::new(value, self.is_finite);
        self.inner.serialize_newtype_variant(name, index, variant, &value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.compound(|inner| inner.serialize_seq(len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.compound(|inner| inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.compound(|inner| inner.serialize_tuple_struct(name, len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.compound(|inner| inner.serialize_tuple_variant(name, index, variant, len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.compound(|inner| inner.serialize_map(len))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        self.compound(|inner| inner.serialize_struct(name, len))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.compound(|inner| inner.serialize_struct_variant(name, index, variant, len))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! compound {
    ($($trait:ident::$method:ident;)*) => {$(
        impl<S: $trait> $trait for Exact<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                self.inner.$method(&Exact::new(value, self.is_finite))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

macro_rules! compound_with_names {
    ($($trait:ident;)*) => {$(
        impl<S: $trait> $trait for Exact<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                self.inner.serialize_field(key, &Exact::new(value, self.is_finite))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

compound! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

compound_with_names! {
    SerializeStruct;
    SerializeStructVariant;
}

/// Names of members are texts or numbers; `serde_json` itself refuses what cannot be one.
impl<S: SerializeMap> SerializeMap for Exact<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_value(&Exact::new(value, self.is_finite))
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), S::Error> {
        self.inner.serialize_entry(key, &Exact::new(value, self.is_finite))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}
