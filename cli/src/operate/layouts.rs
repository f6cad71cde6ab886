//! Which layout the sessions of a store have. A store may hold sessions of several programs: none is guessed.

use crate::stores::{self, bodies};
use crate::trouble::Trouble;

/// The name of our own layout in a URL.
const OURS: &str = "cloakroom";

/// The store that is meant.
pub(super) struct Chosen {
    /// The URL, without our own layout's name.
    pub(super) url: String,
    /// Whether the URL names the layout of a package of Node.
    pub(super) is_node: bool,
}

/// Finds out which sessions are meant. Where the URL names no layout, there must be ours only.
pub(super) async fn choose(url: &str) -> Result<Chosen, Trouble> {
    let (rest, layout) = stores::without_layout(url)?;
    if layout.as_deref() == Some(OURS) {
        return Ok(Chosen { url: rest, is_node: false });
    }
    // An unknown layout is an error.
    if bodies::layout_of(url)?.is_some() {
        return Ok(Chosen { url: url.to_owned(), is_node: true });
    }
    let others = stores::other_layouts(url).await?;
    if others.is_empty() {
        return Ok(Chosen { url: rest, is_node: false });
    }
    let others = others.join(", ");
    Err(Trouble::usage(format!(
        "there are sessions of another layout in this store ({others}): add ?layout=NAME to its URL, or \
         ?layout={OURS} for our own"
    )))
}
