//! The store: each method is one atomic request to DynamoDB, or two in some cases.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use cloakroom_store::{
    Capabilities, Clock, CreateOutcome, Error, ErrorKind, MissedTouches, Record, Result, Store, StoreKey,
    Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};

use crate::builder::Builder;
use crate::conditions::{self, Deed, Step};
use crate::error::Failure;
use crate::layout::{self, Item, live};
use crate::transaction::{Done, Together};
use crate::unheard::Unheard;

/// Keeps records in a table of DynamoDB.
///
/// Clones are the same store. Any number of stores, in any number of processes, can use the same table.
#[derive(Clone)]
pub struct DynamoStore {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) largest_payload: usize,
    pub(crate) missed_touches: MissedTouches,
}

impl DynamoStore {
    /// How large a payload may be unless less is set: an item has 400 KB, and a record more than a payload.
    pub const MAX_PAYLOAD_BYTES: usize = 400 * 1024 - 2 * 1024;

    /// Sets options for the table that `url` names, reached with the keys of the environment:
    /// `dynamodb:///TABLE?region=REGION`, or `dynamodb://HOST:PORT/TABLE` for an emulator or an endpoint of one's own.
    ///
    /// Settings follow as `?name=value&…`: `region`, `table`, `tls=true` for such an endpoint, `request_timeout=5s` and
    /// `max_payload_bytes`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the URL or a setting cannot be right; [`ErrorKind::Setup`] if the environment has no keys.
    pub fn from_url(url: &str) -> Result<Builder> {
        Builder::from_url(url)
    }

    /// Opens the table that `url` names, with default options.
    ///
    /// # Errors
    /// See [`from_url`](Self::from_url) and [`Builder::build`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::from_url(url)?.build().await
    }

    /// Sets options for a table, [`cloakroom`](Builder::table) unless set, that is reached with a client of the
    /// application's own.
    ///
    /// The client must not try a request again by itself (`RetryConfig::disabled()`): a write whose answer was lost would
    /// meet its own traces. The engine tries again, and knows its own.
    pub fn from_client(client: Client) -> Builder {
        Builder::new(client)
    }

    /// Removes what the store has made: the table, with everything in it.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if it is missing or the credentials do not allow it; [`ErrorKind::Unavailable`].
    pub async fn drop_all(&self) -> Result<()> {
        let dropped = self.client.delete_table().table_name(&self.table).send().unheard().await;
        Ok(dropped.map(drop).map_err(Failure::from)?)
    }

    /// Returns the client, for what this store does not do.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the largest payload that is kept, in bytes.
    pub fn max_payload_bytes(&self) -> usize {
        self.largest_payload
    }

    /// Returns the table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn check_size(&self, record: &Record) -> Result<()> {
        let (size, most) = (record.payload.len(), self.largest_payload);
        if size <= most {
            return Ok(());
        }
        let message = format!("a payload has at most {most} bytes here, this one {size}");
        Err(Error::new(ErrorKind::TooLarge, message))
    }

    /// Returns the item of a record as the last write left it.
    async fn item(&self, key: &StoreKey) -> Result<Option<Item>, Failure> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        Ok(request.set_key(Some(layout::record_key(key))).send().unheard().await?.item)
    }

    /// Carries out a touch; answers what is there afterwards. `wanted` says what the expiry of a record shall become.
    async fn move_expiry(
        &self,
        key: &StoreKey,
        step: Step,
        wanted: impl Fn(&Record) -> Option<Timestamp> + Send,
    ) -> Result<Option<VersionedRecord>, Failure> {
        let now = self.now();
        let there = match self.alone(step).await? {
            Done::Yes(after) => return live(after.as_ref(), now),
            Done::No(there) => live(there.as_ref(), now)?,
        };
        match there {
            Some(stored) => match wanted(&stored.record) {
                Some(later) => self.move_both(key, stored, later).await,
                None => Ok(Some(stored)),
            },
            None => Ok(None),
        }
    }

    /// Moves a record's expiry and its owner's note of it: once in a week, however often the record is touched.
    async fn move_both(
        &self,
        key: &StoreKey,
        mut stored: VersionedRecord,
        later: Timestamp,
    ) -> Result<Option<VersionedRecord>, Failure> {
        let now = self.now();
        let Some(owner) = &stored.record.owner else { return Err(Failure::CONTENDED) };
        let steps = vec![
            conditions::touch_noted(key, stored.version, later, now),
            conditions::note(&owner.key, key, later, now),
        ];
        match self.together(steps).await? {
            Together::Yes => {
                stored.record.expires_at = later;
                Ok(Some(stored))
            }
            // Another request wrote or touched meanwhile, which is as good.
            Together::No(_) => live(self.item(key).await?.as_ref(), now),
        }
    }

    /// Replaces a record by one with another owner, whose mark has to be checked.
    async fn update_with_owner(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
        next: Version,
    ) -> Result<UpdateOutcome, Failure> {
        let Some(owner) = &record.owner else { return Err(Failure::DAMAGED) };
        let now = self.now();
        let steps = vec![
            conditions::replace_whole(key, expected, record, next, now),
            conditions::not_revoked(owner),
            conditions::note(&owner.key, key, record.expires_at, now),
        ];
        match self.together(steps).await? {
            Together::Yes => Ok(UpdateOutcome::Updated(next)),
            Together::No(held) => match held.into_iter().next() {
                Some(Err(there)) => what_is_there(there.as_ref(), now),
                _ => Ok(UpdateOutcome::Revoked),
            },
        }
    }
}

fn what_is_there(item: Option<&Item>, now: Timestamp) -> Result<UpdateOutcome, Failure> {
    Ok(live(item, now)?.map_or(UpdateOutcome::NotFound, UpdateOutcome::Conflict))
}

#[async_trait]
impl Store for DynamoStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let found = live(self.item(key).await?.as_ref(), self.now())?;
        let due = found
            .as_ref()
            .zip(touch)
            .filter(|(stored, touch)| touch.extended_expiry(&stored.record).is_some());
        let (Some((_, touch)), Some(found)) = (due, found.clone()) else { return Ok(found) };
        // What was read is history by now: the condition looks again.
        let step = conditions::ride(key, touch, self.now());
        let touched = self.move_expiry(key, step, |record| touch.extended_expiry(record)).await;
        Ok(self.missed_touches.or_unmoved(touched, found))
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.check_size(record)?;
        let (now, version) = (self.now(), Version::random());
        let create = conditions::create(key, record, version, now);
        let Some(owner) = &record.owner else {
            return Ok(match self.alone(create).await? {
                Done::Yes(_) => CreateOutcome::Created(version),
                Done::No(_) => CreateOutcome::AlreadyExists,
            });
        };
        let note = conditions::note(&owner.key, key, record.expires_at, now);
        Ok(match self.together(vec![create, conditions::not_revoked(owner), note]).await? {
            Together::Yes => CreateOutcome::Created(version),
            Together::No(held) if held.first().is_some_and(Result::is_err) => CreateOutcome::AlreadyExists,
            Together::No(_) => CreateOutcome::Revoked,
        })
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.check_size(record)?;
        let (now, next) = (self.now(), Version::random());
        match self.alone(conditions::replace(key, expected, record, next, now)).await? {
            Done::Yes(_) => Ok(UpdateOutcome::Updated(next)),
            Done::No(there) => match what_is_there(there.as_ref(), now)? {
                // It is the one that is named, but its owner changes, or the owner's note of it ends too early.
                UpdateOutcome::Conflict(stored) if stored.version == expected && record.owner.is_some() => {
                    Ok(self.update_with_owner(key, expected, record, next).await?)
                }
                answer => Ok(answer),
            },
        }
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let step = conditions::touch(key, expires_at, self.now());
        let later = |record: &Record| (record.expires_at < expires_at).then_some(expires_at);
        Ok(self.move_expiry(key, step, later).await?.is_some())
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let deed = Deed::Remove(layout::record_key(key));
        let step = Step { deed, condition: None, values: None };
        match self.alone(step).await? {
            Done::Yes(before) => Ok(live(before.as_ref(), self.now())?),
            Done::No(_) => Ok(None),
        }
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_scan(self).with_owners(self).with_missed_touches(&self.missed_touches)
    }
}

impl fmt::Debug for DynamoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoStore").field("table", &self.table).finish_non_exhaustive()
    }
}
