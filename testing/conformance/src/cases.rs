//! The cases: an `async fn` for a sentence. Each makes records of its own and asks the store about them.

pub(crate) mod deleting;
