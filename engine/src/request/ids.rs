//! The ids that a request brought. Where reading them is costly, they are read when the session is first used.

use std::sync::OnceLock;

use super::Candidates;
use crate::SessionManager;
use crate::format::FoundIds;
use crate::observe::Event;

/// The ids of a request. Those of another package are read late: most requests never use their session, and its
/// signatures take more time than all else that they do.
///
/// It holds cookies as they came, so it has no `Debug`.
pub(crate) struct RequestIds {
    ids: Candidates,
    unread: Option<Box<UnreadCookies>>,
}

/// Cookies of another package.
struct UnreadCookies {
    ids: OnceLock<Candidates>,
    /// The values of the `Cookie` headers, in one as HTTP joins them.
    cookies: Vec<u8>,
    /// What takes cookies of a former library away.
    removals: Vec<String>,
}

impl From<Candidates> for RequestIds {
    #[inline]
    fn from(ids: Candidates) -> Self {
        Self { ids, unread: None }
    }
}

impl RequestIds {
    /// Keeps the cookies of a request until they are read.
    pub(crate) fn unread<'h>(headers: impl Iterator<Item = &'h [u8]>, removals: Vec<String>) -> Self {
        let mut cookies = Vec::new();
        for header in headers {
            if !cookies.is_empty() {
                cookies.extend_from_slice(b"; ");
            }
            cookies.extend_from_slice(header);
        }
        let unread = UnreadCookies { ids: OnceLock::new(), cookies, removals };
        let unread = (!unread.cookies.is_empty()).then(|| Box::new(unread));
        Self { ids: Candidates::default(), unread }
    }

    /// Returns whether the request brought no id. Any cookie may be one until it is read.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        match &self.unread {
            None => self.ids.is_empty(),
            Some(unread) => unread.ids.get().is_some_and(Candidates::is_empty),
        }
    }

    /// Returns the ids; the first call reads those that are read late.
    #[inline]
    pub(crate) fn read(&self, engine: &SessionManager) -> &Candidates {
        match &self.unread {
            None => &self.ids,
            Some(unread) => unread.ids.get_or_init(|| unread.read(engine)),
        }
    }
}

impl UnreadCookies {
    fn read(&self, engine: &SessionManager) -> Candidates {
        let mut ids = Candidates::default();
        let Some(format) = engine.format() else { return ids };
        let mut found = FoundIds::new(&mut ids);
        format.read(&mut std::iter::once(&*self.cookies), &mut found);
        if let Some(reason) = found.refused {
            engine.emit(&Event::Rejected { reason });
        }
        self.removals.iter().for_each(|line| ids.also_send(line.clone()));
        ids
    }
}
