//! The servers that tests share, by the variables that `cargo xtask services run` sets.

use std::{env, path::PathBuf};

use crate::Service;

/// The variable with the path of the certificate that clients of the shared servers have to trust.
const AUTHORITY: &str = "CLOAKROOM_TEST_CA";

impl Service {
    /// Returns the URL of the server that tests share. Each test keeps to a prefix or table of its own.
    ///
    /// # Panics
    /// If no server is running: a test that needs a server fails without it, and never passes by doing nothing.
    #[track_caller]
    pub fn shared(self) -> String {
        required(&self.variable())
    }
}

/// Returns the path of the certificate that clients of the shared servers have to trust.
///
/// # Panics
/// If no server is running, like [`Service::shared`].
#[track_caller]
pub fn shared_authority() -> PathBuf {
    required(AUTHORITY).into()
}

/// Returns the URL of a MySQL, which is optional: without one the test is skipped, and says so.
#[expect(clippy::print_stderr, reason = "a skipped test says so, where `--nocapture` or a failure shows it")]
pub fn optional_mysql() -> Option<String> {
    let variable = Service::Mysql.variable();
    let url = env::var(&variable).ok();
    if url.is_none() {
        eprintln!(
            "SKIPPED: there is no MySQL. Have a mysqld of MySQL on the PATH, or set \
             {variable}=mysql://user:password@host:port/database, to test it"
        );
    }
    url
}

#[track_caller]
fn required(variable: &str) -> String {
    let Ok(value) = env::var(variable) else {
        panic!("{variable} is not set: run this through `cargo xtask services run -- cargo test …`");
    };
    value
}
