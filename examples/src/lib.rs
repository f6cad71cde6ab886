//! Programs that show Cloakroom at work: see `src/bin`.

/// The program of the project's front page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct FrontPage;

/// The programs of these documents compile, and do what they say.
#[cfg(doctest)]
pub mod documents {
    #[doc = include_str!("../../docs/parallel-requests.md")]
    pub struct ParallelRequests;

    #[doc = include_str!("../../docs/moving-from-tower-sessions.md")]
    pub struct MovingFromTowerSessions;

    #[doc = include_str!("../../docs/writing-a-store.md")]
    pub struct WritingAStore;

    #[doc = include_str!("../../docs/writing-an-adapter.md")]
    pub struct WritingAnAdapter;
}
