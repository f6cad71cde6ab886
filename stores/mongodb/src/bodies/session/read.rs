//! From a document to JSON: values that JSON has, and dates and object ids as JavaScript's `JSON.stringify` writes them.

use std::fmt::Write as _;

use cloakroom_store::{Error, ErrorKind, Result};
use mongodb::bson::{Bson, DateTime};

/// Returns the JSON of a value.
pub(super) fn text_of(value: &Bson) -> Result<String> {
    let mut out = String::new();
    add(value, &mut out)?;
    Ok(out)
}

/// Returns the text of a value that JSON has only as a string.
pub(super) fn text_of_foreign(value: &Bson) -> Option<String> {
    match value {
        Bson::DateTime(date) => iso(*date),
        Bson::ObjectId(id) => Some(id.to_hex()),
        _ => None,
    }
}

fn add(value: &Bson, out: &mut String) -> Result<()> {
    match value {
        Bson::Null => out.push_str("null"),
        Bson::Boolean(value) => add_display(value, out),
        Bson::Int32(number) => add_display(number, out),
        Bson::Int64(number) => add_display(number, out),
        Bson::Double(number) => add_double(*number, out),
        Bson::String(text) => add_string(text, out),
        Bson::Array(items) => {
            add_all(items, ['[', ']'], out, add)?;
        }
        Bson::Document(members) => add_all(members, ['{', '}'], out, |(key, value), out| {
            add_string(key, out);
            out.push(':');
            add(value, out)
        })?,
        foreign => match text_of_foreign(foreign) {
            Some(text) => add_string(&text, out),
            None => {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    "a session has a value of a type that JSON lacks",
                ));
            }
        },
    }
    Ok(())
}

fn add_all<T>(
    items: impl IntoIterator<Item = T>,
    [open, close]: [char; 2],
    out: &mut String,
    add: impl Fn(T, &mut String) -> Result<()>,
) -> Result<()> {
    out.push(open);
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        add(item, out)?;
    }
    out.push(close);
    Ok(())
}

fn add_display(value: &impl std::fmt::Display, out: &mut String) {
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
}

/// Whole numbers have no fraction, as in JavaScript, whose numbers are all doubles.
fn add_double(number: f64, out: &mut String) {
    if !number.is_finite() {
        out.push_str("null");
    } else if number == 0.0 || (1e-6..1e21).contains(&number.abs()) {
        add_display(&number, out);
    } else {
        let _ = write!(out, "{number:e}");
    }
}

fn add_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Returns a date as JavaScript writes it; `None` for one before the year 0 or after 9999.
fn iso(date: DateTime) -> Option<String> {
    let text = date.try_to_rfc3339_string().ok()?;
    // A date out of its range becomes the nearest one in it.
    if DateTime::parse_rfc3339_str(&text).ok()? != date {
        return None;
    }
    let (seconds, fraction) = match text.strip_suffix('Z')?.split_once('.') {
        Some((seconds, fraction)) => (seconds, fraction),
        None => (text.strip_suffix('Z')?, ""),
    };
    Some(format!("{seconds}.{fraction:0<3}Z"))
}
