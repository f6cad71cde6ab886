//! The server's clock: that of the primary.

use cloakroom_store::{Result, ServerClock, Timestamp, async_trait};
use mongodb::bson::doc;
use mongodb::options::ReadPreference;
use mongodb::options::SelectionCriteria;

use crate::store::MongoStore;

#[async_trait]
impl ServerClock for MongoStore {
    async fn now(&self) -> Result<Timestamp> {
        let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
        let question = self.server.database.run_command(doc! { "hello": 1 }).selection_criteria(primary);
        let answer = self.server.ask(question).await?;
        let time = answer.get_datetime("localTime").map_or(0, |time| time.timestamp_millis());
        Ok(Timestamp::from_millis(u64::try_from(time).unwrap_or_default()))
    }
}
