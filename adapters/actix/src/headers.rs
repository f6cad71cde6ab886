//! Headers of actix-web, for the engine to read and to write.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{
    CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, RETRY_AFTER,
    SET_COOKIE, VARY,
};
use cloakroom::adapter::{HeaderField, HeaderText, ResponseHeaders};
use cloakroom::{RequestField, RequestHead};
use smallvec::SmallVec;

static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");

/// The head of a request.
pub(crate) struct Head<'a>(pub(crate) &'a HttpRequest);

impl RequestHead for Head<'_> {
    fn cookies(&self) -> impl Iterator<Item = &[u8]> {
        self.0.headers().get_all(&COOKIE).map(HeaderValue::as_bytes)
    }

    fn forwarded_proto(&self) -> Option<&[u8]> {
        self.0.headers().get(&X_FORWARDED_PROTO).map(HeaderValue::as_bytes)
    }

    /// Returns whether the worker accepted TLS; behind a proxy only the proxy knows.
    fn is_https(&self) -> bool {
        self.0.app_config().secure()
    }

    fn method(&self) -> Option<&str> {
        Some(self.0.method().as_str())
    }

    fn each_header<'h>(&'h self, see: &mut dyn FnMut(&'h str, &'h [u8])) {
        for (name, value) in self.0.headers() {
            see(name.as_str(), value.as_bytes());
        }
    }

    fn peer(&self) -> Option<IpAddr> {
        Some(self.0.peer_addr()?.ip())
    }

    fn header(&self, field: RequestField) -> Option<&[u8]> {
        let headers = self.0.headers();
        let value = match field {
            RequestField::IfModifiedSince => headers.get(&IF_MODIFIED_SINCE),
            RequestField::IfNoneMatch => headers.get(&IF_NONE_MATCH),
            RequestField::SecFetchMode => headers.get(&SEC_FETCH_MODE),
            RequestField::SecFetchSite => headers.get(&SEC_FETCH_SITE),
            RequestField::SecPurpose => headers.get(&SEC_PURPOSE),
            other => headers.get(other.name()),
        };
        value.map(HeaderValue::as_bytes)
    }

    /// Returns the whole path: a scope takes nothing off it.
    fn path(&self) -> Option<&str> {
        Some(self.0.path())
    }
}

/// The headers of a response.
pub(crate) struct Headers<'a>(pub(crate) &'a mut HeaderMap);

/// Returns the name of a header.
fn name_of(field: HeaderField) -> HeaderName {
    match field {
        HeaderField::CacheControl => CACHE_CONTROL,
        HeaderField::RetryAfter => RETRY_AFTER,
        HeaderField::Vary => VARY,
        other => HeaderName::from_static(other.name()),
    }
}

impl ResponseHeaders for Headers<'_> {
    fn set(&mut self, field: HeaderField, value: HeaderText) {
        self.0.insert(name_of(field), HeaderValue::from_static(value.text()));
    }

    fn set_text(&mut self, field: HeaderField, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.0.insert(name_of(field), value);
        }
    }

    fn add(&mut self, field: HeaderField, value: String) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.0.append(name_of(field), value);
        }
    }

    fn set_or_change(
        &mut self,
        field: HeaderField,
        absent: HeaderText,
        change: impl FnOnce(&[&[u8]]) -> Option<Vec<u8>>,
    ) {
        let name = name_of(field);
        if !self.0.contains_key(&name) {
            self.0.insert(name, HeaderValue::from_static(absent.text()));
            return;
        }
        let lines = self.0.get_all(&name).map(HeaderValue::as_bytes);
        let changed = change(&lines.collect::<SmallVec<[&[u8]; 4]>>());
        if let Some(line) = changed {
            // Made of values that were in headers already.
            self.0
                .insert(name, HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(absent.text())));
        }
    }

    fn remove_all(&mut self, is_meant: impl Fn(&str) -> bool) {
        while let Some(name) = self.0.keys().find(|name| is_meant(name.as_str())).cloned() {
            self.0.remove(name);
        }
    }

    fn any(&self, is_meant: impl Fn(&str, &[u8]) -> bool) -> bool {
        self.0.iter().any(|(name, value)| is_meant(name.as_str(), value.as_bytes()))
    }

    fn add_cookie(&mut self, value: String) {
        if let Ok(mut value) = HeaderValue::try_from(value) {
            // What logs headers does not log the id.
            value.set_sensitive(true);
            self.0.append(SET_COOKIE, value);
        }
    }

    fn set_secret(&mut self, name: &str, value: String) {
        let header = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::try_from(value));
        if let (Ok(name), Ok(mut value)) = header {
            value.set_sensitive(true);
            self.0.insert(name, value);
        }
    }

    fn retain_cookies(&mut self, is_kept: impl Fn(&[u8]) -> bool) {
        self.0.retain(|name, value| name != SET_COOKIE || is_kept(value.as_bytes()));
    }
}
