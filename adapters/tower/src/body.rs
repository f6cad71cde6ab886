//! Error pages for services with any type of body.

use std::any::Any;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;

use bytes::Bytes;
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Full};

/// Makes a body of a text. A type that is not known here stays empty: the status and the headers say enough.
pub(crate) fn body_of<B: Default + 'static>(text: String) -> B {
    let mut body = B::default();
    let mut text = Some(text);
    let place: &mut dyn Any = &mut body;
    #[cfg(feature = "axum")]
    put(place, &mut text, axum_core::body::Body::from);
    put(place, &mut text, |text| text);
    put(place, &mut text, String::into_bytes);
    put(place, &mut text, Bytes::from);
    put(place, &mut text, Full::<Bytes>::from);
    put_boxed::<Infallible>(place, &mut text);
    put_boxed::<Box<dyn StdError + Send + Sync>>(place, &mut text);
    put_boxed::<io::Error>(place, &mut text);
    body
}

/// Fills the place with `make(text)`, if it is a place for that type.
fn put<T: 'static>(place: &mut dyn Any, text: &mut Option<String>, make: impl FnOnce(String) -> T) {
    if let Some(place) = place.downcast_mut::<T>()
        && let Some(text) = text.take()
    {
        *place = make(text);
    }
}

/// The same for boxes of a body whose error is `E`.
fn put_boxed<E: 'static>(place: &mut dyn Any, text: &mut Option<String>) {
    let full = |text| Full::<Bytes>::from(text).map_err(|never: Infallible| match never {});
    put(place, text, |text| BoxBody::<Bytes, E>::new(full(text)));
    put(place, text, |text| UnsyncBoxBody::<Bytes, E>::new(full(text)));
}
