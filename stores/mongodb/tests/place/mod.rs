//! A collection of a test's own.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom_mongodb::mongodb::bson::Document;
use cloakroom_mongodb::mongodb::{Client, Collection};

/// A collection that no other test uses, gone with the server.
pub(crate) struct Place {
    pub(crate) raw: Collection<Document>,
}

impl Place {
    pub(crate) async fn new(url: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let raw = Client::with_uri_str(url).await.unwrap().database("cloakroom").collection(&name);
        Self { raw }
    }

    pub(crate) fn collection(&self) -> &str {
        self.raw.name()
    }
}
