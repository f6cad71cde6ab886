//! An owner's list from its first page to its last.

use cloakroom_store::{HeadPage, OwnerKey, Owners, RecordHead, Result};

/// Lists all records of an owner, page by page. For tests: an application should not hold them all at once.
///
/// # Errors
/// As [`Owners::list`].
pub async fn heads_of(owners: &dyn Owners, owner: &OwnerKey) -> Result<Vec<RecordHead>> {
    let (mut heads, mut after) = (Vec::new(), None);
    loop {
        let page = owners.list(owner, after.as_ref(), HeadPage::MOST).await?;
        heads.extend(page.heads);
        after = page.next;
        if after.is_none() {
            return Ok(heads);
        }
    }
}
