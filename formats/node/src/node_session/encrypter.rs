//! The npm package `encrypter`, which node-session uses with `encrypt: true`.

use crate::body::Object;
use aes::Aes256;
use ctr::cipher::{KeyIvInit, StreamCipher};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use std::{error, fmt};

/// Opens and closes the bodies of a node-session application with `encrypt: true`: AES-256 in counter mode and
/// HMAC-SHA1, both with keys made of one secret by MD5.
///
/// **Do not keep sessions in this form.** Key and counter are the same for every session and every save, so two bodies, or one
/// body that is known, give the others away; and Node 22 has no `crypto.createCipher`, with which it was made. It is here
/// to read what there is, and to write only while an old application still has to read it.
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

/// Why a sealed body cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncrypterError {
    /// It is not `{"ct":"…","mac":"…"}`: cut off, or a body that was never sealed.
    Form,
    /// It was sealed with another secret, or changed.
    Mac,
    /// What came out is not text.
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
    /// Makes the keys of an application's secret, which may be empty, as in the package.
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

    /// Checks and decrypts a body.
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

    /// Encrypts a body. Read first why not to, above.
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
