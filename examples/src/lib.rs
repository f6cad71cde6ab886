//! Programs that show Cloakroom at work: see `src/bin`.

/// The program of the project's front page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct FrontPage;
