//! Makes the table, and checks that an existing one is ours.

use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription,
    TableStatus, TimeToLiveSpecification,
};
use cloakroom_store::ErrorKind;

use crate::error::Failure;
use crate::layout::{PARTITION, SORT, TTL};
use crate::store::DynamoStore;
use crate::unheard::Unheard;

/// How often, and after which time, a table that is being made is looked at again.
const MOST_LOOKS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

impl DynamoStore {
    pub(crate) async fn make_table(&self) -> Result<(), Failure> {
        let request = self.client.create_table().table_name(&self.table);
        let request = request.billing_mode(BillingMode::PayPerRequest);
        let request = request
            .set_key_schema(Some(vec![part(PARTITION, KeyType::Hash)?, part(SORT, KeyType::Range)?]))
            .set_attribute_definitions(Some(vec![binary(PARTITION)?, binary(SORT)?]));
        if let Err(error) = request.send().unheard().await
            && error.as_service_error().and_then(|error| error.code()) != Some("ResourceInUseException")
        {
            return Err(error.into());
        }
        self.wait_for_table().await?;
        self.collect_expired().await
    }

    pub(crate) async fn look_at_table(&self) -> Result<(), Failure> {
        self.is_ready().await.map(drop)
    }

    async fn wait_for_table(&self) -> Result<(), Failure> {
        for _ in 0..MOST_LOOKS {
            if self.is_ready().await? {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Failure::new(ErrorKind::Unavailable, "the table is still being made; wait, and start again"))
    }

    /// Returns whether the table can be used; fails if it is not ours.
    async fn is_ready(&self) -> Result<bool, Failure> {
        let answer = self.client.describe_table().table_name(&self.table).send().unheard().await?;
        let table = answer.table.ok_or(Failure::NO_TABLE)?;
        if !is_ours(&table) {
            return Err(Failure::FOREIGN_TABLE);
        }
        Ok(matches!(table.table_status, Some(TableStatus::Active | TableStatus::Updating)))
    }

    /// Has DynamoDB collect what expired, if it does not already.
    async fn collect_expired(&self) -> Result<(), Failure> {
        let answer = self.client.describe_time_to_live().table_name(&self.table).send().unheard().await?;
        let told = answer.time_to_live_description.and_then(|described| described.attribute_name);
        if told.as_deref() == Some(TTL) {
            return Ok(());
        }
        let collect = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL);
        let collect = collect.build().map_err(|_| Failure::DAMAGED)?;
        self.client
            .update_time_to_live()
            .table_name(&self.table)
            .time_to_live_specification(collect)
            .send()
            .unheard()
            .await?;
        Ok(())
    }
}

fn is_ours(table: &TableDescription) -> bool {
    let keys: Vec<_> =
        table.key_schema().iter().map(|part| (part.attribute_name(), part.key_type())).collect();
    let binary = |name| {
        let definition = table.attribute_definitions().iter().find(|one| one.attribute_name() == name);
        definition.is_some_and(|one| *one.attribute_type() == ScalarAttributeType::B)
    };
    keys == [(PARTITION, &KeyType::Hash), (SORT, &KeyType::Range)] && binary(PARTITION) && binary(SORT)
}

fn part(name: &str, kind: KeyType) -> Result<KeySchemaElement, Failure> {
    let part = KeySchemaElement::builder().attribute_name(name).key_type(kind);
    part.build().map_err(|_| Failure::DAMAGED)
}

fn binary(name: &str) -> Result<AttributeDefinition, Failure> {
    let definition = AttributeDefinition::builder().attribute_name(name);
    definition.attribute_type(ScalarAttributeType::B).build().map_err(|_| Failure::DAMAGED)
}
