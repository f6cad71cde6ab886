//! The ids that a request brought, read when the session is first looked at where reading them is costly.

use std::sync::OnceLock;

use super::Candidates;
use crate::Engine;
use crate::format::FoundIds;
use crate::observe::Event;

/// The ids of a request. Those of another package are read late: most requests never look at their session, and its
/// signatures take more time than all else that they do.
///
/// It holds cookies as they came, so it has no `Debug`.
pub(crate) struct Brought {
    ids: OnceLock<Candidates>,
    /// The values of the `Cookie` headers, in one as HTTP joins them, until they are read.
    unread: Vec<u8>,
}

impl From<Candidates> for Brought {
    fn from(ids: Candidates) -> Self {
        Self { ids: OnceLock::from(ids), unread: Vec::new() }
    }
}

impl Brought {
    /// Keeps the cookies of a request.
    pub(crate) fn unread<'h>(headers: impl Iterator<Item = &'h [u8]>) -> Self {
        let mut unread = Vec::new();
        for header in headers {
            if !unread.is_empty() {
                unread.extend_from_slice(b"; ");
            }
            unread.extend_from_slice(header);
        }
        if unread.is_empty() { Candidates::default().into() } else { Self { ids: OnceLock::new(), unread } }
    }

    /// Returns whether the request brought no id. While they are not read, any cookie may be one.
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.get().map_or(self.unread.is_empty(), Candidates::is_empty)
    }

    /// Reads the ids, once.
    #[inline]
    pub(crate) fn read(&self, engine: &Engine) -> &Candidates {
        self.ids.get_or_init(|| self.read_with(engine))
    }

    fn read_with(&self, engine: &Engine) -> Candidates {
        let mut ids = Candidates::default();
        let Some(format) = engine.format() else { return ids };
        let mut found = FoundIds::new(&mut ids);
        format.read(&mut std::iter::once(&*self.unread), &mut found);
        if let Some(reason) = found.refused {
            engine.emit(&Event::Refused { reason });
        }
        ids
    }
}
