//! The cookie of express-session.

use super::{Attributes, CookieError, Presented, header, signature::Signer, uri::encode_uri_component};
use std::fmt;

/// The cookie of express-session 1.x, by default `connect.sid`.
///
/// ```
/// use cloakroom_node::cookie::{Attributes, ExpressCookie};
///
/// let cookie = ExpressCookie::new("connect.sid", ["new secret", "old secret"])?;
/// let header = cookie.write("apple", &Attributes::default(), 0)?;
/// let sent_back = header.split(';').next().unwrap();
/// assert_eq!(cookie.read([sent_back.as_bytes()]).into_sid().as_deref(), Some("apple"));
///
/// // A modified id is refused.
/// let forged = sent_back.replace("apple", "admin");
/// assert_eq!(cookie.read([forged.as_bytes()]).into_sid(), None);
/// # Ok::<(), cloakroom_node::cookie::CookieError>(())
/// ```
pub struct ExpressCookie {
    name: String,
    signer: Signer,
}

impl ExpressCookie {
    /// Configures the cookie. The first secret signs, all of them verify.
    ///
    /// # Errors
    /// [`CookieError::Name`], and [`CookieError::Secret`] if there is no secret or an empty one.
    pub fn new(
        name: impl Into<String>,
        secrets: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Self, CookieError> {
        Ok(Self { name: checked_name(name.into())?, signer: Signer::new(secrets)? })
    }

    /// Returns the cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the session id from the `Cookie` headers of a request. The first cookie of the name counts.
    pub fn read<'h>(&self, headers: impl IntoIterator<Item = &'h [u8]>) -> Presented {
        judge(&self.signer, "s:", header::get(headers, &self.name))
    }

    /// Writes a `Set-Cookie` header. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// [`CookieError::Path`] and [`CookieError::Domain`].
    pub fn write(&self, sid: &str, attributes: &Attributes, now: i64) -> Result<String, CookieError> {
        let signed = self.signer.sign("s:", sid);
        let mut header = [&self.name, "=", &encode_uri_component(&signed)].concat();
        attributes.write_as_cookie(&mut header, now)?;
        Ok(header)
    }
}

impl fmt::Debug for ExpressCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExpressCookie {{ name: {:?}, secrets: {} }}", self.name, self.signer.len())
    }
}

/// Verifies a value of the form `prefix` + id + `.` + signature. An empty id is never accepted.
pub(super) fn judge(signer: &Signer, prefix: &str, value: Option<String>) -> Presented {
    let Some(mut value) = value.filter(|value| !value.is_empty()) else { return Presented::Absent };
    let Some(signed) = value.strip_prefix(prefix) else { return Presented::Unsigned };
    match signer.verify(signed) {
        Some((sid, key)) if !sid.is_empty() => {
            let end = prefix.len() + sid.len();
            // What is left of the value is the id: every request has one, which need not be copied.
            value.truncate(end);
            value.drain(..prefix.len());
            Presented::Signed { sid: value, key }
        }
        _ => Presented::Forged,
    }
}

/// Checks that a name is an HTTP token.
pub(super) fn checked_name(name: String) -> Result<String, CookieError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_token) { Ok(name) } else { Err(CookieError::Name) }
}

#[cfg(test)]
mod tests {
    use super::{Attributes, CookieError, ExpressCookie, Presented};
    use proptest::prelude::proptest;

    fn cookie(secrets: &[&str]) -> ExpressCookie {
        ExpressCookie::new("sid", secrets).unwrap()
    }

    fn pair(cookie: &ExpressCookie, sid: &str) -> String {
        let header = cookie.write(sid, &Attributes::default(), 0).unwrap();
        header.strip_suffix("; Path=/; HttpOnly").unwrap().to_owned()
    }

    #[test]
    fn the_first_secret_signs_and_all_verify() {
        let old = cookie(&["old"]);
        let both = cookie(&["new", "old"]);
        let signed = Presented::Signed { sid: "a.b".to_owned(), key: 1 };
        assert_eq!(both.read([pair(&old, "a.b").as_bytes()]), signed);
        assert_eq!(old.read([pair(&both, "a.b").as_bytes()]), Presented::Forged);
    }

    #[test]
    fn an_empty_id_is_refused_even_with_a_good_signature() {
        let cookie = cookie(&["k"]);
        assert_eq!(cookie.read([pair(&cookie, "").as_bytes()]), Presented::Forged);
    }

    #[test]
    fn a_signature_with_padding_is_refused() {
        let cookie = cookie(&["k"]);
        let padded = pair(&cookie, "a") + "%3D";
        assert_eq!(cookie.read([padded.as_bytes()]), Presented::Forged);
    }

    #[test]
    fn a_bad_cookie_before_a_good_one_decides() {
        let cookie = cookie(&["k"]);
        let both = format!("sid=s%3Ax.y; {}", pair(&cookie, "a"));
        assert_eq!(cookie.read([both.as_bytes()]), Presented::Forged);
    }

    #[test]
    fn no_secret_an_empty_secret_and_bad_names_are_refused() {
        assert_eq!(ExpressCookie::new("sid", [""; 0]).unwrap_err(), CookieError::Secret);
        assert_eq!(ExpressCookie::new("sid", ["k", ""]).unwrap_err(), CookieError::Secret);
        for name in ["", "a b", "x=y", "naïve", "a;b"] {
            assert_eq!(ExpressCookie::new(name, ["k"]).unwrap_err(), CookieError::Name, "{name}");
        }
    }

    #[test]
    fn debug_shows_neither_secret_nor_id() {
        let cookie = cookie(&["hush"]);
        let presented = cookie.read([pair(&cookie, "1234567").as_bytes()]);
        let shown = format!("{cookie:?} {presented:?}");
        assert!(!shown.contains("hush") && !shown.contains("1234567"), "{shown}");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(sid in ".+", secret in ".+") {
            let cookie = cookie(&[&secret]);
            assert_eq!(cookie.read([pair(&cookie, &sid).as_bytes()]), Presented::Signed { sid, key: 0 });
        }
    }
}
