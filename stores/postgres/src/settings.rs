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
    limits_in_server: Option<bool>,
    schema: Option<String>,
    time_zone: Option<String>,
}

impl Settings {
    pub(crate) fn take(url: &mut StoreUrl<'_>) -> Result<Self> {
        Ok(Self {
            prefix: url.text("prefix")?,
            connections: url.parsed("connections")?,
            connect_timeout: url.read("connect_timeout", seconds)?,
            request_timeout: url.duration("request_timeout")?,
            max_payload_bytes: url.parsed("max_payload_bytes")?,
            table: url.text("table")?,
            create_ended: url.flag("create_ended")?,
            limits_in_server: url.flag("limits_in_server")?,
            schema: url.text("schema")?,
            time_zone: url.text("time_zone")?,
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
        let builder = set(builder, self.limits_in_server, Builder::limits_in_server);
        let builder = set(builder, self.schema, Builder::schema);
        set(builder, self.time_zone, Builder::time_zone)
    }
}

fn set<T>(builder: Builder, value: Option<T>, setter: fn(Builder, T) -> Builder) -> Builder {
    match value {
        Some(value) => setter(builder, value),
        None => builder,
    }
}

/// Reads whole seconds, as PostgreSQL's own setting of this name has them, or a span with its unit.
fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_secs).or_else(|| StoreUrl::span(text))
}
