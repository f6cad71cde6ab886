//! The CSRF tokens of csurf, csrf-sync and lusca. Each keeps a secret in the session and compares a form's token with
//! it. Randomness is an argument; comparisons take constant time.
//!
//! | package | key in the body | secret | token |
//! |---|---|---|---|
//! | csurf | `csrfSecret` | 24 characters | salt of 8, `-`, base64url of SHA-1 |
//! | csrf-sync | `csrfToken` | 256 hexadecimal digits | the same |
//! | lusca | `_csrfSecret` | 16 characters | salt of 10, base64 of SHA-1 |

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// The letters of a salt.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Tokens of csurf (the npm package csrf 3).
pub mod csurf {
    use super::{BASE64URL_NOPAD, Digest, Sha1, equal, salt};

    /// The key of the secret in the body.
    pub const KEY: &str = "csrfSecret";

    /// Makes a secret.
    pub fn secret(random: &[u8; 18]) -> String {
        BASE64URL_NOPAD.encode(random)
    }

    /// Makes a token; each byte of randomness makes a letter of its salt.
    ///
    /// ```
    /// use cloakroom_node::csrf::csurf;
    ///
    /// let secret = csurf::secret(&[7; 18]);
    /// let token = csurf::token(&secret, &[1, 2, 3, 4, 5, 6, 7, 8]);
    /// assert!(csurf::is_valid(&secret, &token));
    /// assert!(!csurf::is_valid(&csurf::secret(&[8; 18]), &token));
    /// ```
    pub fn token(secret: &str, random: &[u8; 8]) -> String {
        salted(&salt(random), secret)
    }

    /// Returns whether a token was made with this secret. A salt may have any length, but must be ASCII.
    pub fn is_valid(secret: &str, token: &str) -> bool {
        let Some((salt, _)) = token.split_once('-') else { return false };
        !secret.is_empty() && token.is_ascii() && equal(token, &salted(salt, secret))
    }

    fn salted(salt: &str, secret: &str) -> String {
        let hash = Sha1::digest([salt, "-", secret].concat());
        [salt, "-", &BASE64URL_NOPAD.encode(&hash)].concat()
    }
}

/// Tokens of csrf-sync 4: the session holds the token itself.
pub mod csrf_sync {
    use super::{HEXLOWER, equal};

    /// The key of the token in the body.
    pub const KEY: &str = "csrfToken";

    /// Makes a token.
    pub fn token(random: &[u8; 128]) -> String {
        HEXLOWER.encode(random)
    }

    /// Returns whether a token equals the one in the session.
    pub fn is_valid(stored: &str, token: &str) -> bool {
        !stored.is_empty() && equal(token, stored)
    }
}

/// Tokens of lusca 1.
pub mod lusca {
    use super::{BASE64, Digest, Sha1, equal, salt};

    /// The key of the secret in the body.
    pub const KEY: &str = "_csrfSecret";

    /// Makes a secret.
    pub fn secret(random: &[u8; 10]) -> String {
        BASE64.encode(random)
    }

    /// Makes a token; each byte of randomness makes a letter of its salt.
    pub fn token(secret: &str, random: &[u8; 10]) -> String {
        salted(&salt(random), secret)
    }

    /// Returns whether a token was made with this secret.
    pub fn is_valid(secret: &str, token: &str) -> bool {
        let Some(salt) = token.get(..10) else { return false };
        !secret.is_empty() && equal(token, &salted(salt, secret))
    }

    fn salted(salt: &str, secret: &str) -> String {
        let hash = Sha1::digest([salt, secret].concat());
        [salt, &BASE64.encode(&hash)].concat()
    }
}

/// Makes a salt. It is public, so a small bias of the letters is harmless.
fn salt(random: &[u8]) -> String {
    random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

fn equal(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{csrf_sync, csurf, lusca};
    use proptest::prelude::proptest;

    #[test]
    fn secrets_and_tokens_have_the_lengths_of_the_packages() {
        let (secret, other) = (csurf::secret(&[1; 18]), lusca::secret(&[1; 10]));
        assert_eq!((secret.len(), csurf::token(&secret, &[0; 8]).len()), (24, 36));
        assert_eq!((other.len(), lusca::token(&other, &[0; 10]).len()), (16, 38));
        assert_eq!(csrf_sync::token(&[1; 128]).len(), 256);
    }

    /// Recorded with lusca 1.7.0, which also accepted the second token.
    #[test]
    fn lusca_s_own_token_is_accepted_and_one_made_here_is_its_own() {
        let secret = "ZGzchjSORik6iA==";
        assert!(lusca::is_valid(secret, "nSHoS1bEyVaUMzoTvMpuIO8vHn9kygscbD9FA="));
        let salt: [u8; 10] = std::array::from_fn(|letter| u8::try_from(letter).unwrap());
        assert_eq!(lusca::token(secret, &salt), "ABCDEFGHIJkdIjNm8813dqn+rUTXsxv8QmPOA=");
    }

    #[test]
    fn an_empty_secret_never_matches() {
        assert!(!csurf::is_valid("", &csurf::token("", &[0; 8])));
        assert!(!lusca::is_valid("", &lusca::token("", &[0; 10])));
        assert!(!csrf_sync::is_valid("", ""));
    }

    #[test]
    fn a_changed_token_is_refused() {
        let (token, other) = (csurf::token("s", &[0; 8]), lusca::token("s", &[0; 10]));
        assert!(csurf::is_valid("s", &token) && lusca::is_valid("s", &other));
        for (index, _) in token.char_indices() {
            let mut changed = token.clone().into_bytes();
            changed[index] ^= 1;
            assert!(!csurf::is_valid("s", &String::from_utf8(changed).unwrap()), "{index}");
        }
        assert!(
            !csurf::is_valid("s", "") && !csurf::is_valid("s", "-") && !lusca::is_valid("s", "AAAAAAAAAA")
        );
    }

    proptest! {
        #[test]
        fn any_token_is_judged_without_a_panic(secret in ".*", token in ".*") {
            let _valid = (csurf::is_valid(&secret, &token), lusca::is_valid(&secret, &token));
        }
    }
}
