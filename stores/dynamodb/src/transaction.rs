//! Writes to DynamoDB: one alone, or several in a transaction.

use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnValue,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};

use crate::conditions::{Deed, Step, Values};
use crate::error::Failure;
use crate::layout::Item;
use crate::store::DynamoStore;
use crate::unheard::Unheard;

/// How often a step or a transaction is tried that met another transaction.
const MOST_ATTEMPTS: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(5);

/// The result of a step.
#[derive(Debug)]
pub(crate) enum Done {
    /// It was done; this is the item that was there before, or after a change.
    Yes(Option<Item>),
    /// Its condition did not hold for what is there.
    No(Option<Item>),
}

/// The result of steps together.
#[derive(Debug)]
pub(crate) enum Together {
    Yes,
    /// For each step whether its condition held, and if not, what is there.
    No(Vec<Result<(), Option<Item>>>),
}

/// Waits longer and longer between requests that were answered in part, as a throttled table does. Any progress begins anew.
#[derive(Debug)]
pub(crate) struct Backoff {
    tries: u32,
    wait: Duration,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { tries: 0, wait: FIRST_WAIT }
    }

    /// Waits before the rest is asked for; fails when that has brought nothing too often.
    pub(crate) async fn before_the_rest(&mut self, has_progress: bool) -> Result<(), Failure> {
        if has_progress {
            *self = Self::new();
        }
        if self.tries == MOST_ATTEMPTS {
            return Err(Failure::THROTTLED);
        }
        tokio::time::sleep(self.wait).await;
        (self.tries, self.wait) = (self.tries + 1, self.wait * 2);
        Ok(())
    }
}

impl DynamoStore {
    /// Does one step: one request, and again where a transaction was in the way.
    pub(crate) async fn alone(&self, step: Step) -> Result<Done, Failure> {
        let mut wait = FIRST_WAIT;
        for _ in 0..MOST_ATTEMPTS {
            match self.once(step.clone()).await {
                Err(Failure::MET_ANOTHER) => {}
                done => return done,
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(Failure::CONTENDED)
    }

    async fn once(&self, step: Step) -> Result<Done, Failure> {
        let Step { deed, condition, values } = step;
        match deed {
            Deed::Put(item) => self.put(item, condition, values).await,
            Deed::Change(key, change) => self.change(key, change, condition, values).await,
            Deed::Remove(key) => self.remove_one(key, condition, values).await,
            Deed::Check(_) => match self.together(vec![Step { deed, condition, values }]).await? {
                Together::Yes => Ok(Done::Yes(None)),
                Together::No(_) => Ok(Done::No(None)),
            },
        }
    }

    async fn put(
        &self,
        item: Item,
        condition: Option<String>,
        values: Option<Values>,
    ) -> Result<Done, Failure> {
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let request = request.set_condition_expression(condition).set_expression_attribute_values(values);
        let request = request.return_values_on_condition_check_failure(OnFailure::AllOld);
        let Err(error) = request.send().unheard().await else { return Ok(Done::Yes(None)) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => Ok(Done::No(failed.item.clone())),
            _ => Err(error.into()),
        }
    }

    async fn change(
        &self,
        key: Item,
        change: String,
        condition: Option<String>,
        values: Option<Values>,
    ) -> Result<Done, Failure> {
        let request = self.client.update_item().table_name(&self.table).set_key(Some(key));
        let request = request.set_condition_expression(condition).set_expression_attribute_values(values);
        let request = request.update_expression(change).return_values(ReturnValue::AllNew);
        let request = request.return_values_on_condition_check_failure(OnFailure::AllOld);
        let error = match request.send().unheard().await {
            Ok(answer) => return Ok(Done::Yes(answer.attributes)),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Done::No(failed.item.clone()))
            }
            _ => Err(error.into()),
        }
    }

    async fn remove_one(
        &self,
        key: Item,
        condition: Option<String>,
        values: Option<Values>,
    ) -> Result<Done, Failure> {
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        let request = request.set_condition_expression(condition).set_expression_attribute_values(values);
        Ok(Done::Yes(request.return_values(ReturnValue::AllOld).send().unheard().await?.attributes))
    }

    /// Does all steps or none, waiting for other transactions on the same items to be over.
    pub(crate) async fn together(&self, steps: Vec<Step>) -> Result<Together, Failure> {
        let parts = steps.into_iter().map(|step| self.part(step)).collect::<Result<Vec<_>, _>>()?;
        let mut wait = FIRST_WAIT;
        for _ in 0..MOST_ATTEMPTS {
            let request = self.client.transact_write_items().set_transact_items(Some(parts.clone()));
            let Err(error) = request.send().unheard().await else { return Ok(Together::Yes) };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons.clone().unwrap_or_default()
                }
                _ => return Err(error.into()),
            };
            if let Some(answer) = read(&reasons)? {
                return Ok(answer);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(Failure::CONTENDED)
    }

    fn part(&self, step: Step) -> Result<TransactWriteItem, Failure> {
        let Step { deed, condition, values } = step;
        let (table, item) = (self.table.clone(), TransactWriteItem::builder());
        let impossible = |_| Failure::DAMAGED;
        Ok(match deed {
            Deed::Put(put) => {
                let put = Put::builder().table_name(table).set_item(Some(put));
                let put = put.set_condition_expression(condition).set_expression_attribute_values(values);
                let put = put.return_values_on_condition_check_failure(OnFailure::AllOld);
                item.put(put.build().map_err(impossible)?)
            }
            Deed::Change(key, change) => {
                let update = Update::builder().table_name(table).set_key(Some(key)).update_expression(change);
                let update =
                    update.set_condition_expression(condition).set_expression_attribute_values(values);
                let update = update.return_values_on_condition_check_failure(OnFailure::AllOld);
                item.update(update.build().map_err(impossible)?)
            }
            Deed::Remove(key) => {
                let delete = Delete::builder().table_name(table).set_key(Some(key));
                let delete =
                    delete.set_condition_expression(condition).set_expression_attribute_values(values);
                item.delete(delete.build().map_err(impossible)?)
            }
            Deed::Check(key) => {
                let check = ConditionCheck::builder().table_name(table).set_key(Some(key));
                let check = check.set_condition_expression(condition).set_expression_attribute_values(values);
                item.condition_check(check.build().map_err(impossible)?)
            }
        }
        .build())
    }
}

/// Returns what cancelled a transaction; `None` if that was another one, so that trying again may help.
fn read(reasons: &[CancellationReason]) -> Result<Option<Together>, Failure> {
    let mut held = Vec::with_capacity(reasons.len());
    let mut failed = false;
    for reason in reasons {
        match reason.code().unwrap_or("None") {
            // Whether another transaction was in the way tells only why nothing was done.
            "None" | "TransactionConflict" => held.push(Ok(())),
            "ConditionalCheckFailed" => {
                failed = true;
                held.push(Err(reason.item().cloned()));
            }
            "ValidationError" if reason.message().is_some_and(|message| message.contains("size")) => {
                return Err(Failure::TOO_LARGE);
            }
            "ItemCollectionSizeLimitExceeded" => return Err(Failure::TOO_LARGE),
            "ThrottlingError" | "ProvisionedThroughputExceeded" => return Ok(None),
            _ => return Err(Failure::FOREIGN_TABLE),
        }
    }
    Ok(failed.then_some(Together::No(held)))
}
