//! The options of a store, from the settings of its URL.

use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom_store::{Result, StoreUrl};

use crate::builder::Builder;

/// What a URL sets beside the client's own settings; each is called like the builder's method.
pub(crate) struct Settings {
    prefix: Option<String>,
    connections: Option<NonZeroU32>,
    connect_timeout: Option<Duration>,
    request_timeout: Option<Duration>,
    max_payload_bytes: Option<usize>,
    table: Option<String>,
    create_ended: Option<bool>,
    node_session: Option<Duration>,
    wide_characters: Option<bool>,
}

impl Settings {
    pub(crate) fn take(url: &mut StoreUrl<'_>) -> Result<Self> {
        Ok(Self {
            prefix: url.text("prefix")?,
            connections: url.parsed("connections")?,
            connect_timeout: url.duration("connect_timeout")?,
            request_timeout: url.duration("request_timeout")?,
            max_payload_bytes: url.parsed("max_payload_bytes")?,
            table: url.text("table")?,
            create_ended: url.flag("create_ended")?,
            node_session: url.duration("node_session")?,
            wide_characters: url.flag("wide_characters")?,
        })
    }

    pub(crate) fn apply(self, builder: Builder) -> Builder {
        let builder = set(builder, self.prefix, Builder::prefix);
        let builder = set(builder, self.connections, Builder::connections);
        let builder = set(builder, self.connect_timeout, Builder::connect_timeout);
        let builder = set(builder, self.request_timeout, Builder::request_timeout);
        let builder = set(builder, self.max_payload_bytes, Builder::max_payload_bytes);
        let builder = set(builder, self.table, Builder::table);
        let builder = set(builder, self.create_ended, Builder::create_ended);
        let builder = set(builder, self.node_session, Builder::node_session);
        set(builder, self.wide_characters, Builder::wide_characters)
    }
}

fn set<T>(builder: Builder, value: Option<T>, setter: fn(Builder, T) -> Builder) -> Builder {
    match value {
        Some(value) => setter(builder, value),
        None => builder,
    }
}
