//! What the browser tests need: a playground, a browser, and the page between them.
//!
//! [`Playground`] is a fresh `cloakroom demo` on a free port, [`Shops`] a small server of several hosts,
//! [`Pages`] one whose pages are fetched ahead and kept, [`Pair`] an Express application and a Rust application behind one
//! port, [`Browser`] a fresh headless Chromium with its own
//! cookies, and [`Page`] the playground's page in it: the only place that knows the page's element ids.
//! All three end their processes when they are dropped.
//!
//! `cargo xtask test` installs Chromium where it may, builds the playground and runs the tests.

mod browser;
mod page;
mod pages;
mod pair;
mod playground;
mod process;
mod shops;

pub use browser::Browser;
pub use page::Page;
pub use pages::{Pages, USER};
pub use pair::{Pair, PairPage};
pub use playground::{COOKIE_NAME, Playground};
pub use shops::{DOMAIN, Shops};

/// What a test answers: any error is a failure, and its text says of what.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What every "this is missing" message ends with.
const HOW_TO_RUN: &str = "Run `cargo xtask test`: it sets up what the browser tests need and runs them";

/// Makes another value of the same length and alphabet, as an attacker would who does not know a real one.
///
/// The first character is replaced: the last one may carry bits that decoding ignores.
pub fn tampered(value: &str) -> String {
    let first = if value.starts_with('A') { 'B' } else { 'A' };
    std::iter::once(first).chain(value.chars().skip(1)).collect()
}
