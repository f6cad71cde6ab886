//! The masters, which a scan visits one after the other.

use cloakroom_store::Result;
use redis::{Value, cmd};

use crate::error::unexpected;
use crate::link::{Aim, Node};
use crate::owners::array;
use crate::server::{Server, text};

/// A master: its id, and where it is. One server has no id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Master {
    pub(crate) id: String,
    node: Option<Node>,
}

impl Master {
    pub(crate) fn aim(&self) -> Aim {
        self.node.clone().map_or(Aim::Anyone, Aim::Node)
    }
}

impl Server {
    /// Returns the masters in the order of their ids: never none.
    pub(crate) async fn masters(&self) -> Result<Vec<Master>> {
        if !self.is_cluster() {
            return Ok(vec![Master { id: String::new(), node: None }]);
        }
        let slots = self.look_at(cmd("CLUSTER").arg("SLOTS").take(), &Aim::Anyone).await?;
        let mut masters = array(slots)?.into_iter().map(master).collect::<Result<Vec<_>>>()?;
        masters.sort_by(|one, other| one.id.cmp(&other.id));
        masters.dedup();
        if masters.is_empty() { Err(unexpected()) } else { Ok(masters) }
    }
}

/// Returns the master of a range: `[first slot, last slot, [host, port, id, …], replicas …]`.
fn master(range: Value) -> Result<Master> {
    let mut node = array(range)?.into_iter().nth(2).map(array).ok_or_else(unexpected)??.into_iter();
    match (node.next(), node.next(), node.next()) {
        (Some(host), Some(Value::Int(port)), Some(id)) => {
            let port = u16::try_from(port).map_err(|_| unexpected())?;
            Ok(Master { id: text(id)?, node: Some(Node { host: text(host)?, port }) })
        }
        _ => Err(unexpected()),
    }
}
