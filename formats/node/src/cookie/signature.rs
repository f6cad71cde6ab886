//! HMACs of cookies. A secret is kept as a keyed HMAC state, which is faster than the raw secret and never printed.

use super::CookieError;
use data_encoding::BASE64_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Makes the HMAC states of all secrets. There must be at least one, and no empty one.
pub(super) fn keys<M: KeyInit>(secrets: impl IntoIterator<Item: AsRef<[u8]>>) -> Result<Vec<M>, CookieError> {
    let key = |secret: &[u8]| {
        if secret.is_empty() {
            return Err(CookieError::Secret);
        }
        M::new_from_slice(secret).map_err(|_| CookieError::Secret)
    };
    let keys: Vec<M> = secrets.into_iter().map(|secret| key(secret.as_ref())).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(CookieError::Secret) } else { Ok(keys) }
}

/// Returns the MAC of a message.
pub(super) fn mac<M: Mac + Clone>(key: &M, message: &[u8]) -> impl AsRef<[u8]> + use<M> {
    key.clone().chain_update(message).finalize().into_bytes()
}

/// Returns whether two signatures are equal, in constant time.
pub(super) fn equal(given: &str, expected: impl AsRef<[u8]>) -> bool {
    given.as_bytes().ct_eq(expected.as_ref()).into()
}

/// Secrets that sign as the package cookie-signature does: HMAC-SHA256, base64 without padding, behind the last dot.
pub(super) struct Signer(Vec<Hmac<Sha256>>);

impl Signer {
    pub(super) fn new(secrets: impl IntoIterator<Item: AsRef<[u8]>>) -> Result<Self, CookieError> {
        keys(secrets).map(Self)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `prefix` + `sid` + `.` + the signature by the first secret.
    pub(super) fn sign(&self, prefix: &str, sid: &str) -> String {
        let mut signed = String::with_capacity(prefix.len() + sid.len() + 1 + LENGTH);
        signed.push_str(prefix);
        signed.push_str(sid);
        signed.push('.');
        BASE64_NOPAD.encode_append(mac(&self.0[0], sid.as_bytes()).as_ref(), &mut signed);
        signed
    }

    /// Returns the signed id, and the index of the secret that verifies it.
    pub(super) fn verify<'v>(&self, signed: &'v str) -> Option<(&'v str, usize)> {
        let (sid, given) = signed.rsplit_once('.')?;
        let key = self.0.iter().position(|key| equal(given, signature(key, sid)))?;
        Some((sid, key))
    }
}

/// The length of a signature: 32 bytes as base64 without padding.
const LENGTH: usize = 43;

fn signature(key: &Hmac<Sha256>, sid: &str) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    BASE64_NOPAD.encode_mut(mac(key, sid.as_bytes()).as_ref(), &mut text);
    text
}
