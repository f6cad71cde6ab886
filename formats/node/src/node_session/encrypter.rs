//! The npm package `encrypter`, which node-session uses with `encrypt: true`.

use crate::body::Object;
use aes::Aes256;
use ctr::cipher::{KeyIvInit, StreamCipher};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use std::{error, fmt};

/// Decrypts and encrypts the bodies of a node-session application with `encrypt: true`: AES-256 in counter mode with
/// a key derived from the secret by MD5, and HMAC-SHA1 with the secret. **Use this for migration only.** Key and
/// counter are the same for every session and every save, so one known body decrypts the others. Node 22 has removed
/// the function that it needs (`crypto.createCipher`). Encrypt only while an old application still has to read the
/// sessions.
///
/// ```
/// use cloakroom_node::node_session::Encrypter;
///
/// let encrypter = Encrypter::new("a secret");
/// let sealed = encrypter.seal(r#"{"views":1}"#);
/// assert_eq!(encrypter.open(&sealed).as_deref(), Ok(r#"{"views":1}"#));
/// assert!(Encrypter::new("another").open(&sealed).is_err());
/// ```
#[derive(Clone)]
pub struct Encrypter {
    key: [u8; 32],
    counter: [u8; 16],
    secret: Vec<u8>,
}

/// Tells why a body cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncrypterError {
    /// It is not `{"ct":"…","mac":"…"}`: truncated, or a plain body.
    Form,
    /// It was encrypted with another secret, or modified.
    Mac,
    /// The decrypted bytes are not UTF-8.
    Text,
}

impl fmt::Display for EncrypterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not an encrypted body of node-session",
            Self::Mac => "the encrypted body was made with another secret, or changed",
            Self::Text => "the decrypted body is not text",
        })
    }
}

impl error::Error for EncrypterError {}

impl Encrypter {
    /// Derives the keys from an application's secret. An empty secret is accepted, as in the package.
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        // OpenSSL's EVP_BytesToKey: each block is a hash of the one before and the secret.
        let mut block = Vec::new();
        let mut bytes = [0; 48];
        for place in bytes.chunks_exact_mut(16) {
            block = Md5::new().chain_update(&block).chain_update(secret).finalize().to_vec();
            place.copy_from_slice(&block);
        }
        let (mut key, mut counter) = ([0; 32], [0; 16]);
        key.copy_from_slice(&bytes[..32]);
        counter.copy_from_slice(&bytes[32..]);
        Self { key, counter, secret: secret.to_vec() }
    }

    /// Verifies and decrypts a body.
    ///
    /// # Errors
    /// See [`EncrypterError`].
    pub fn open(&self, sealed: &str) -> Result<String, EncrypterError> {
        let object = Object::parse(sealed.as_bytes()).map_err(|_| EncrypterError::Form)?;
        let part = |key: &str| object.get(key).and_then(|value| value.as_text());
        let (Some(text), Some(mac)) = (part("ct"), part("mac")) else { return Err(EncrypterError::Form) };
        let mac = BASE64.decode(mac.as_bytes()).map_err(|_| EncrypterError::Mac)?;
        self.mac(&text).verify_slice(&mac).map_err(|_| EncrypterError::Mac)?;
        let mut bytes = BASE64.decode(text.as_bytes()).map_err(|_| EncrypterError::Form)?;
        self.apply(&mut bytes);
        String::from_utf8(bytes).map_err(|_| EncrypterError::Text)
    }

    /// Encrypts a body. Call it only if an old application must read the result; see above.
    pub fn seal(&self, body: &str) -> String {
        let mut bytes = body.as_bytes().to_vec();
        self.apply(&mut bytes);
        let text = BASE64.encode(&bytes);
        let mac = BASE64.encode(&self.mac(&text).finalize().into_bytes());
        format!("{{\"ct\":\"{text}\",\"mac\":\"{mac}\"}}")
    }

    fn apply(&self, bytes: &mut [u8]) {
        ctr::Ctr128BE::<Aes256>::new(&self.key.into(), &self.counter.into()).apply_keystream(bytes);
    }

    fn mac(&self, text: &str) -> Hmac<Sha1> {
        let mac = Hmac::<Sha1>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        mac.chain_update(text.as_bytes())
    }
}

impl fmt::Debug for Encrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypter(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Encrypter, EncrypterError};
    use proptest::prelude::proptest;

    #[test]
    fn a_changed_body_is_not_opened() {
        let encrypter = Encrypter::new("k");
        let sealed = encrypter.seal("abcdef");
        let first = sealed.as_bytes()[7];
        let other = if first == b'A' { "B" } else { "A" };
        let changed = format!("{{\"ct\":\"{other}{}", &sealed[8..]);
        assert_eq!(encrypter.open(&changed), Err(EncrypterError::Mac));
    }

    #[test]
    fn what_was_never_sealed_is_not_opened() {
        let encrypter = Encrypter::new("k");
        for text in ["", "{}", r#"{"hit":7}"#, r#"{"ct":1,"mac":""}"#, r#"{"ct":"AA"#] {
            assert_eq!(encrypter.open(text), Err(EncrypterError::Form), "{text}");
        }
        assert_eq!(encrypter.open(r#"{"ct":"","mac":"AAAA"}"#), Err(EncrypterError::Mac));
    }

    #[test]
    fn the_same_text_is_sealed_to_the_same_bytes_every_time_which_is_the_weakness() {
        let encrypter = Encrypter::new("k");
        assert_eq!(encrypter.seal("same"), encrypter.seal("same"));
    }

    proptest! {
        #[test]
        fn a_sealed_body_opens(secret in ".*", body in ".*") {
            let encrypter = Encrypter::new(&secret);
            assert_eq!(encrypter.open(&encrypter.seal(&body)), Ok(body));
        }
    }
}
