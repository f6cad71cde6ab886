//! How the packages' `cookie` objects differ.

/// The package whose `cookie` object it is. They differ in names, in order, and in how unset fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// express-session: `originalMaxAge` and `expires`, `null` until the browser closes; unset fields are omitted.
    Express,
    /// `@fastify/session`: as Express, in another order, and `null` for unset fields.
    Fastify,
    /// koa-generic-session: `maxAge` alone. Koa never renews an `expires`, and its store fails once that has passed.
    Koa,
    /// `@socialtables/session`: `maxAge` and `_expires`.
    SocialTables,
}

impl Dialect {
    /// The key of the lifetime, in milliseconds.
    pub(super) fn age(self) -> &'static str {
        match self {
            Self::Express | Self::Fastify => "originalMaxAge",
            Self::Koa | Self::SocialTables => "maxAge",
        }
    }

    /// The key of the expiry, a date.
    pub(super) fn end(self) -> Option<&'static str> {
        match self {
            Self::Express | Self::Fastify => Some("expires"),
            Self::Koa => None,
            Self::SocialTables => Some("_expires"),
        }
    }

    /// The keys in the order in which the package writes them.
    pub(super) fn order(self) -> &'static [&'static str] {
        match self {
            Self::Express => &[
                "originalMaxAge",
                "partitioned",
                "priority",
                "expires",
                "secure",
                "httpOnly",
                "domain",
                "path",
                "sameSite",
            ],
            Self::Fastify => &[
                "expires",
                "originalMaxAge",
                "originalExpires",
                "sameSite",
                "secure",
                "path",
                "httpOnly",
                "domain",
            ],
            // The application's options come first, in its own order; this is one.
            Self::Koa => &[
                "domain",
                "sameSite",
                "secure",
                "partitioned",
                "priority",
                "httpOnly",
                "path",
                "overwrite",
                "signed",
                "maxAge",
            ],
            Self::SocialTables => &["maxAge", "_expires", "secure", "httpOnly", "domain", "path", "sameSite"],
        }
    }
}
