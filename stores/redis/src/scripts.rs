//! The scripts: each is one atomic step on the server, called by its SHA.

use redis::Script as Hashed;

/// A script, and the SHA by which the server knows it once it has seen it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) code: &'static str,
    pub(crate) sha: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self { code, sha: Hashed::new(code).get_hash().into() }
    }
}

/// Makes a field a script, of files that stand one behind the other.
macro_rules! scripts {
    ($(#[$doc:meta] $name:ident = $($part:literal),+;)*) => {
        /// Every script, with its SHA.
        #[derive(Debug)]
        pub(crate) struct Scripts { $(#[$doc] pub(crate) $name: Script,)* }

        impl Scripts {
            pub(crate) fn new() -> Self {
                Self { $($name: Script::new(concat!($(include_str!(concat!("scripts/", $part, ".lua")), "\n"),+)),)* }
            }
        }
    };
}

scripts! {
    /// Loads, and touches if that is still due.
    load = "common", "move", "load";
    /// Moves an expiry.
    touch = "common", "move", "touch";
    /// Deletes.
    delete = "common", "delete";
    /// Deletes, whatever it is.
    clear = "common", "clear";
    /// Creates a record without an owner.
    create = "common", "keep", "create";
    /// Updates to a record without an owner.
    update = "same", "common", "keep", "update";
    /// Creates a record with an owner, on one server.
    create_here = "common", "head", "index", "keep", "admit_here", "create";
    /// Updates to a record with an owner, on one server.
    update_here = "same_owner", "common", "head", "index", "keep", "admit_here", "update";
    /// Creates a record with an owner, in a cluster.
    create_fenced = "common", "keep", "admit_fenced", "create";
    /// Updates to a record with an owner, in a cluster.
    update_fenced = "same_owner", "common", "keep", "admit_fenced", "update";
    /// Lists a record before it is written, or so that its index lasts longer.
    register = "common", "head", "index", "register";
    /// Lists a page of an owner's records, on one server.
    list = "common", "page", "list";
    /// Reads a page of an index.
    members = "common", "page", "members";
    /// Revokes, on one server.
    revoke = "common", "head", "page", "remember", "revoke";
    /// Revokes in a cluster: in the owner's slot.
    mark = "common", "remember", "mark";
    /// Revokes in a cluster: in a record's slot.
    fence = "common", "head", "fence";
    /// Forgets members of an index.
    unlist = "unlist";
    /// Keeps the first body of a Node session.
    insert_body = "body", "insert_body";
    /// Replaces the body of a Node session.
    replace_body = "body", "replace_body";
    /// Moves the expiry of the body of a Node session.
    touch_body = "body", "touch_body";
    /// Ends a Node session.
    end_body = "body", "end_body";
}
