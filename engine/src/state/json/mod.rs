//! JSON values that are changed in place: bytes that no change touches stay as they are.

mod array;
mod edit;
mod encode;
mod exact;
mod node;
mod object;
mod split;

pub(crate) use edit::{Edit, Made, Place, edit, mismatch, remove_seen};
pub(crate) use encode::{MAX_DEPTH, from_json, of_another_type, to_json};
pub(crate) use node::{Node, is_json};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod work;
