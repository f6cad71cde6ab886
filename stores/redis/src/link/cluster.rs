//! Sends commands to a cluster.
//!
//! The client's own retries are off: it would also send again what may have been carried out already.

use redis::cluster_async::ClusterConnection;
use redis::{Cmd, Pipeline, RedisResult, Value, cmd};

use super::Aim;
use super::line::Line;

pub(super) async fn send(
    line: &Line<ClusterConnection>,
    pipeline: &Pipeline,
    aim: &Aim,
) -> RedisResult<Vec<Value>> {
    let dialed = line.dialed();
    let mut connection = match dialed.clone().await {
        Ok(connection) => connection,
        Err(error) => {
            line.discard(&dialed);
            return Err(error);
        }
    };
    let answers = match aim {
        Aim::Asking(_) => ask(&mut connection, pipeline, aim).await,
        _ => connection.route_pipeline(pipeline.clone(), 0, pipeline.len(), aim.route()).await,
    };
    if answers.as_ref().is_err_and(|error| error.is_timeout()) {
        // The client asks only nodes that answer where the slots are; a master that is silent may have lost them by now.
        line.renew();
    }
    answers
}

/// Sends commands to a node that is just being given the slot.
async fn ask(connection: &mut ClusterConnection, pipeline: &Pipeline, aim: &Aim) -> RedisResult<Vec<Value>> {
    let mut asking = redis::pipe();
    for command in pipeline.cmd_iter() {
        asking.add_command(cmd("ASKING")).add_command(Cmd::clone(command));
    }
    let answers = connection.route_pipeline(asking.clone(), 0, asking.len(), aim.route()).await?;
    Ok(answers.into_iter().skip(1).step_by(2).collect())
}
