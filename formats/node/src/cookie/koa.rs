//! The two cookies of Koa: the value and its signature.

use super::{Attributes, CookieError, Presented, header, signature};
use hmac::Hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use std::fmt;

/// The hash of a Koa application's signatures: the second argument of `new Keygrip(keys, algorithm)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KoaHash {
    /// The default.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How signatures are written: the third argument of `new Keygrip(keys, algorithm, encoding)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KoaEncoding {
    /// Base64url without padding, the default.
    #[default]
    Base64,
    /// Hexadecimal.
    Hex,
}

/// The cookies of koa-generic-session (`koa.sid`), koa-session (`koa.sess`) and `@socialtables/session`
/// (`connect.sid`): the id as it is, and `name.sig` with an HMAC of `name=id`.
///
/// ```
/// use cloakroom_node::cookie::{Attributes, KoaCookie};
///
/// let cookie = KoaCookie::new("koa.sid", ["keys", "older keys"])?;
/// let [value, signature] = cookie.write("apple", &Attributes::default(), 0)?;
/// assert_eq!(value, "koa.sid=apple; path=/; httponly");
/// let pair = |header: &str| header.split(';').next().unwrap().to_owned();
/// let header = format!("{}; {}", pair(&value), pair(&signature));
/// assert_eq!(cookie.read([header.as_bytes()]).into_sid().as_deref(), Some("apple"));
/// # Ok::<(), cloakroom_node::cookie::CookieError>(())
/// ```
pub struct KoaCookie {
    name: String,
    keys: Keys,
    encoding: KoaEncoding,
}

/// At least one key.
enum Keys {
    Sha1(Vec<Hmac<Sha1>>),
    Sha256(Vec<Hmac<Sha256>>),
    Sha512(Vec<Hmac<Sha512>>),
}

impl KoaCookie {
    /// Sets the cookies up with the application's `keys`. The first signs, all of them verify.
    ///
    /// # Errors
    /// [`CookieError::Name`], and [`CookieError::Secret`] if there is no key or an empty one.
    pub fn new(
        name: impl Into<String>,
        keys: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Self, CookieError> {
        Self::with_hash(name, keys, KoaHash::default(), KoaEncoding::default())
    }

    /// Sets the cookies up for an application that made a `Keygrip` of its own.
    ///
    /// # Errors
    /// As [`KoaCookie::new`].
    pub fn with_hash(
        name: impl Into<String>,
        keys: impl IntoIterator<Item: AsRef<[u8]>>,
        hash: KoaHash,
        encoding: KoaEncoding,
    ) -> Result<Self, CookieError> {
        let keys = match hash {
            KoaHash::Sha1 => Keys::Sha1(signature::keys(keys)?),
            KoaHash::Sha256 => Keys::Sha256(signature::keys(keys)?),
            KoaHash::Sha512 => Keys::Sha512(signature::keys(keys)?),
        };
        // The package `cookies` allows more; a token is what every client sends back.
        Ok(Self { name: super::express::checked_name(name.into())?, keys, encoding })
    }

    /// Returns the cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the session id from the `Cookie` headers of a request.
    ///
    /// Koa answers [`Presented::Forged`] with [`KoaCookie::clear_signature`], and another key than 0 with
    /// [`KoaCookie::sign_again`].
    pub fn read<'h>(&self, headers: impl IntoIterator<Item = &'h [u8]> + Clone) -> Presented {
        let value = header::get_by_cookies(headers.clone(), &self.name);
        let Some(sid) = value.filter(|sid| !sid.is_empty()) else { return Presented::Absent };
        let given = header::get_by_cookies(headers, &self.signature_name());
        let Some(given) = given.filter(|given| !given.is_empty()) else { return Presented::Unsigned };
        let matches = |key: &usize| signature::equal(&given, self.signature(*key, &sid));
        match (0..self.keys.len()).find(matches) {
            Some(key) => Presented::Signed { sid, key },
            None => Presented::Forged,
        }
    }

    /// Writes the two `Set-Cookie` headers, the value's first. `now` is in milliseconds since 1970; a lifetime of 0
    /// counts as not set.
    ///
    /// # Errors
    /// [`CookieError::Value`] for an empty id and one with characters that a cookie cannot have, as nothing is
    /// encoded; [`CookieError::Path`] and [`CookieError::Domain`].
    pub fn write(&self, sid: &str, attributes: &Attributes, now: i64) -> Result<[String; 2], CookieError> {
        let is_plain = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b';';
        if sid.is_empty() || sid.starts_with('"') || !sid.bytes().all(is_plain) {
            return Err(CookieError::Value);
        }
        self.both(sid, attributes, now)
    }

    /// Writes the two headers that delete the cookies: for a session that ended, and for a signed id that is not in
    /// the store. Koa uses its default attributes for them, not those of the cookie.
    ///
    /// # Errors
    /// [`CookieError::Path`] and [`CookieError::Domain`].
    pub fn clear(&self, attributes: &Attributes) -> Result<[String; 2], CookieError> {
        self.both("", &gone(attributes), 0)
    }

    /// Writes the header that deletes a wrong signature, and keeps the value.
    ///
    /// # Errors
    /// [`CookieError::Path`] and [`CookieError::Domain`].
    pub fn clear_signature(&self, attributes: &Attributes) -> Result<String, CookieError> {
        self.one(&self.signature_name(), "", &gone(attributes), 0)
    }

    /// Writes the header that replaces a signature made by an older key. Koa uses its default attributes and no
    /// lifetime.
    ///
    /// # Errors
    /// As [`KoaCookie::write`].
    pub fn sign_again(&self, sid: &str, attributes: &Attributes) -> Result<String, CookieError> {
        let until_closed = Attributes { max_age: None, expires: None, ..attributes.clone() };
        let [_, signature] = self.write(sid, &until_closed, 0)?;
        Ok(signature)
    }

    fn both(&self, sid: &str, attributes: &Attributes, now: i64) -> Result<[String; 2], CookieError> {
        let value = self.one(&self.name, sid, attributes, now)?;
        let signature = self.one(&self.signature_name(), &self.signature(0, sid), attributes, now)?;
        Ok([value, signature])
    }

    #[expect(clippy::unused_self, reason = "reads as a sentence beside `both`")]
    fn one(&self, name: &str, value: &str, attributes: &Attributes, now: i64) -> Result<String, CookieError> {
        let mut header = [name, "=", value].concat();
        attributes.write_as_cookies(&mut header, now)?;
        Ok(header)
    }

    fn signature_name(&self) -> String {
        [&self.name, ".sig"].concat()
    }

    fn signature(&self, key: usize, sid: &str) -> String {
        let message = [&self.name, "=", sid].concat();
        let encode = |mac: &[u8]| match self.encoding {
            KoaEncoding::Base64 => data_encoding::BASE64URL_NOPAD.encode(mac),
            KoaEncoding::Hex => data_encoding::HEXLOWER.encode(mac),
        };
        match &self.keys {
            Keys::Sha1(keys) => encode(signature::mac(&keys[key], message.as_bytes()).as_ref()),
            Keys::Sha256(keys) => encode(signature::mac(&keys[key], message.as_bytes()).as_ref()),
            Keys::Sha512(keys) => encode(signature::mac(&keys[key], message.as_bytes()).as_ref()),
        }
    }
}

impl Keys {
    fn len(&self) -> usize {
        match self {
            Self::Sha1(keys) => keys.len(),
            Self::Sha256(keys) => keys.len(),
            Self::Sha512(keys) => keys.len(),
        }
    }
}

/// The same cookie, expired since 1970.
fn gone(attributes: &Attributes) -> Attributes {
    Attributes { max_age: None, expires: Some(0), ..attributes.clone() }
}

impl fmt::Debug for KoaCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KoaCookie {{ name: {:?}, keys: {} }}", self.name, self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Attributes, CookieError, KoaCookie, Presented};
    use proptest::prelude::proptest;

    fn cookie(keys: &[&str]) -> KoaCookie {
        KoaCookie::new("sid", keys).unwrap()
    }

    fn sent_back(headers: &[String; 2]) -> String {
        headers.iter().map(|header| header.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_signature_by_an_older_key_is_accepted_and_made_again() {
        let both = cookie(&["new", "old"]);
        let by_old = cookie(&["old"]).write("a", &Attributes::default(), 0).unwrap();
        let presented = both.read([sent_back(&by_old).as_bytes()]);
        assert_eq!(presented, Presented::Signed { sid: "a".to_owned(), key: 1 });
        let again = both.sign_again("a", &Attributes::default()).unwrap();
        assert_eq!([again], both.write("a", &Attributes::default(), 0).unwrap()[1..]);
    }

    #[test]
    fn a_missing_signature_and_a_wrong_one_are_distinguished() {
        let cookie = cookie(&["k"]);
        assert_eq!(cookie.read([&b"sid=a"[..]]), Presented::Unsigned);
        assert_eq!(cookie.read([&b"sid=a; sid.sig=AAAA"[..]]), Presented::Forged);
        assert_eq!(cookie.read([&b"sid.sig=AAAA"[..]]), Presented::Absent);
    }

    #[test]
    fn clearing_empties_both_cookies_in_1970() {
        let [value, signature] = cookie(&["k"]).clear(&Attributes::default()).unwrap();
        assert_eq!(value, "sid=; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT; httponly");
        assert!(signature.starts_with("sid.sig=") && signature.contains("1970"));
        assert_eq!(cookie(&["k"]).read([sent_back(&[value, signature]).as_bytes()]), Presented::Absent);
    }

    #[test]
    fn an_id_that_would_need_encoding_is_refused() {
        for sid in ["", "a;b", "a b", "é", "a\r\n", "\"a\""] {
            assert_eq!(
                cookie(&["k"]).write(sid, &Attributes::default(), 0),
                Err(CookieError::Value),
                "{sid}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(sid in "[!-~]+", key in ".+") {
            let cookie = cookie(&[&key]);
            if let Ok(headers) = cookie.write(&sid, &Attributes::default(), 0) {
                let presented = cookie.read([sent_back(&headers).as_bytes()]);
                assert_eq!(presented, Presented::Signed { sid, key: 0 });
            }
        }
    }
}
