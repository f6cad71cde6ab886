//! One of the two stores, of our own format or of a Node package.

use std::sync::Arc;

use cloakroom_tower::store::Store;

use super::node::{self, NodeArgs};
use crate::stores;
use crate::trouble::Trouble;

/// An open store.
pub(super) struct Side {
    pub(super) store: Arc<dyn Store>,
    pub(super) place: String,
    pub(super) form: Form,
}

/// How a store keeps a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Bytes,
    /// As the body of a Node package, which has the same values and not the same bytes.
    Body,
}

impl Side {
    /// Opens the store to empty, which has to be there.
    pub(super) async fn open_source(url: &str, args: &NodeArgs) -> Result<Self, Trouble> {
        if let Some(layout) = stores::bodies::layout_of(url)? {
            if stores::folder(url)?.is_some_and(|folder| !folder.is_dir()) {
                return Err(Trouble::usage("FROM names a folder that is not there"));
            }
            return node::open(url, layout, args).await;
        }
        Ok(Self::of(stores::open_source(url).await?))
    }

    /// Opens the store to fill.
    pub(super) async fn open(url: &str, args: &NodeArgs) -> Result<Self, Trouble> {
        match stores::bodies::layout_of(url)? {
            Some(layout) => node::open(url, layout, args).await,
            None => Ok(Self::of(stores::open(url).await?)),
        }
    }

    fn of(opened: stores::Opened) -> Self {
        Self { store: opened.store, place: opened.place, form: Form::Bytes }
    }
}
