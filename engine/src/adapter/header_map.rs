//! The headers of the crate `http`, as they are written into.

use http::header::{CACHE_CONTROL, Entry, HeaderName, RETRY_AFTER, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue};
use smallvec::SmallVec;

use super::{HeaderField, HeaderText, ResponseHeaders};

static CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Returns the name of a header.
fn name_of(field: HeaderField) -> HeaderName {
    match field {
        HeaderField::CacheControl => CACHE_CONTROL,
        HeaderField::ClearSiteData => CLEAR_SITE_DATA.clone(),
        HeaderField::RetryAfter => RETRY_AFTER,
        HeaderField::Vary => VARY,
    }
}

/// Returns a value that was checked when this was compiled.
fn value_of(text: HeaderText) -> HeaderValue {
    const ANYTHING: HeaderValue = HeaderValue::from_static(HeaderText::Anything.text());
    const COOKIE: HeaderValue = HeaderValue::from_static(HeaderText::Cookie.text());
    const PRIVATE: HeaderValue = HeaderValue::from_static(HeaderText::Private.text());
    const NO_STORE: HeaderValue = HeaderValue::from_static(HeaderText::NoStore.text());
    match text {
        HeaderText::Anything => ANYTHING,
        HeaderText::Cookie => COOKIE,
        HeaderText::Private => PRIVATE,
        HeaderText::NoStore => NO_STORE,
    }
}

impl ResponseHeaders for HeaderMap {
    #[inline]
    fn set(&mut self, field: HeaderField, value: HeaderText) {
        self.insert(name_of(field), value_of(value));
    }

    fn set_text(&mut self, field: HeaderField, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.insert(name_of(field), value);
        }
    }

    fn add(&mut self, field: HeaderField, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.append(name_of(field), value);
        }
    }

    #[inline]
    fn set_or_change(
        &mut self,
        field: HeaderField,
        absent: HeaderText,
        change: impl FnOnce(&[&[u8]]) -> Option<Vec<u8>>,
    ) {
        match self.entry(name_of(field)) {
            Entry::Vacant(silence) => {
                silence.insert(value_of(absent));
            }
            Entry::Occupied(mut said) => {
                let changed =
                    change(&said.iter().map(HeaderValue::as_bytes).collect::<SmallVec<[&[u8]; 4]>>());
                if let Some(line) = changed {
                    // Made of values that were in headers already.
                    said.insert(HeaderValue::try_from(line).unwrap_or_else(|_| value_of(absent)));
                }
            }
        }
    }

    #[inline]
    fn remove_all(&mut self, is_meant: impl Fn(&str) -> bool) {
        while let Some(name) = self.keys().find(|name| is_meant(name.as_str())).cloned() {
            self.remove(name);
        }
    }

    #[inline]
    fn any(&self, is_meant: impl Fn(&str, &[u8]) -> bool) -> bool {
        self.iter().any(|(name, value)| is_meant(name.as_str(), value.as_bytes()))
    }

    fn add_cookie(&mut self, value: String) {
        if let Ok(mut value) = HeaderValue::try_from(value) {
            // What logs headers does not log the id, and HTTP/2 keeps it out of its table.
            value.set_sensitive(true);
            self.append(SET_COOKIE, value);
        }
    }

    fn set_secret(&mut self, name: &str, value: String) {
        let header = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::try_from(value));
        if let (Ok(name), Ok(mut value)) = header {
            value.set_sensitive(true);
            self.insert(name, value);
        }
    }

    fn retain_cookies(&mut self, is_kept: impl Fn(&[u8]) -> bool) {
        let is_kept = |value: &&HeaderValue| is_kept(value.as_bytes());
        if !self.contains_key(SET_COOKIE) || self.get_all(SET_COOKIE).iter().all(|value| is_kept(&value)) {
            return;
        }
        let kept: Vec<HeaderValue> = self.get_all(SET_COOKIE).iter().filter(is_kept).cloned().collect();
        self.remove(SET_COOKIE);
        kept.into_iter().for_each(|value| {
            self.append(SET_COOKIE, value);
        });
    }
}
