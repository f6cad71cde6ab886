//! The password of the page: given by the operator, or made at the start.

use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use cloakroom_tower::cloakroom::{Random, SystemRandom};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use crate::trouble::Trouble;

/// The environment variable that may hold the password.
const VARIABLE: &str = "CLOAKROOM_ADMIN_PASSWORD";

/// How few letters a password may have that was given.
const SHORTEST: usize = 12;

/// How long a wrong password is waited for. One at a time, so that guessing in parallel does not help.
const PENALTY: Duration = Duration::from_secs(1);

/// The password. Has no `Debug`.
pub(super) struct Password {
    text: String,
    is_made: bool,
    turn: Mutex<()>,
}

impl Password {
    /// Finds the password that was given, or makes one.
    pub(super) fn find(file: Option<&Path>) -> Result<Self, Trouble> {
        let given = match file {
            Some(file) => Some(fs::read_to_string(file).map_err(|error| {
                Trouble::usage(format!("--password-file {} cannot be read", file.display())).because(&error)
            })?),
            None => env::var(VARIABLE).ok(),
        };
        let Some(given) = given else { return Self::make() };
        let text = given.trim().to_owned();
        if text.chars().count() < SHORTEST {
            return Err(Trouble::usage(format!("the password has fewer than {SHORTEST} letters")));
        }
        Ok(Self { text, is_made: false, turn: Mutex::default() })
    }

    fn make() -> Result<Self, Trouble> {
        let mut bytes = [0; 16];
        SystemRandom.fill(&mut bytes).map_err(|error| Trouble::failure("no password").because(&error))?;
        let text = format!("{:032x}", u128::from_be_bytes(bytes));
        Ok(Self { text, is_made: true, turn: Mutex::default() })
    }

    /// Returns the password if it was made here, to be printed once.
    pub(super) fn made(&self) -> Option<&str> {
        self.is_made.then_some(&self.text)
    }

    /// Returns whether this is the password; takes a second if not.
    pub(super) async fn is(&self, tried: &str) -> bool {
        let _turn = self.turn.lock().await;
        let is_right = bool::from(tried.as_bytes().ct_eq(self.text.as_bytes()));
        if !is_right {
            tokio::time::sleep(PENALTY).await;
        }
        is_right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wrong_password_takes_a_second_also_in_parallel() {
        let password = Password::make().unwrap();
        let began = tokio::time::Instant::now();
        let tried = tokio::join!(password.is(""), password.is("wrong"), password.is(&password.text));
        assert_eq!(tried, (false, false, true));
        assert!(began.elapsed() >= 2 * PENALTY, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_whole_password_is_equal() {
        let password = Password::make().unwrap();
        assert!(password.is(&password.text).await);
        let (short, long) = (&password.text[1..], format!("{}0", password.text));
        for wrong in [short, &long, &long[1..], ""] {
            assert!(!password.is(wrong).await, "{wrong}");
        }
    }
}
