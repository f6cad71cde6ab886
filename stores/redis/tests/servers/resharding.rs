//! A slot moves from one master of a cluster to another, step by step as `redis-cli --cluster reshard` does it, while
//! the sessions in it are used.

use std::time::Duration;

use cloakroom_redis::RedisStore;
use cloakroom_redis::redis::Connection;
use cloakroom_redis::redis::cluster_routing::Slot;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{Owner, OwnerKey, Record, Store as _, StoreKey, Timestamp, UpdateOutcome, Version};
use data_encoding::BASE64URL_NOPAD;

use crate::raw::{Raw, nodes};
use crate::shared::created;

/// The slot of a record, on its way between two masters.
struct Move {
    slot: u16,
    source: Node,
    target: Node,
}

struct Node {
    raw: Raw<Connection>,
    id: String,
    /// `host port`.
    address: String,
}

impl Node {
    fn new(url: &str) -> Self {
        let mut raw = Raw::server(url);
        let id = raw.ask("CLUSTER MYID");
        Self { raw, id, address: url.trim_start_matches("redis://").replace(':', " ") }
    }
}

fn name(key: &StoreKey) -> String {
    format!("cloakroom:r:{{{}}}", BASE64URL_NOPAD.encode(key.as_bytes()))
}

fn slot(key: &StoreKey) -> Slot {
    Slot::for_key(name(key))
}

/// Another key in the slot of this one.
fn neighbour(key: &StoreKey) -> StoreKey {
    let mut keys = (0_u64..).map(|number| StoreKey::from_bytes(&number.to_be_bytes()).unwrap());
    keys.find(|other| slot(other) == slot(key)).unwrap()
}

impl Move {
    /// Begins: from now on the source redirects clients that ask for a key that it does not have.
    fn begin(cluster: &Instance, key: &StoreKey) -> Self {
        let mut masters: Vec<_> = nodes(&cluster.url()).iter().map(|url| Node::new(url)).collect();
        masters.retain_mut(|node| node.raw.ask::<String>("INFO replication").contains("role:master"));
        let slot: u16 = masters[0].raw.ask(&format!("CLUSTER KEYSLOT {}", name(key)));
        let holds = |node: &mut Node| node.raw.ask::<i64>(&format!("CLUSTER COUNTKEYSINSLOT {slot}")) > 0;
        let at = masters.iter_mut().position(holds).unwrap();
        let source = masters.swap_remove(at);
        let mut on = Self { slot, source, target: masters.swap_remove(0) };
        let () = on.target.raw.ask(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", on.source.id));
        let () = on.source.raw.ask(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", on.target.id));
        on
    }

    /// Moves the keys.
    fn carry(&mut self) {
        let names: Vec<String> = self.source.raw.ask(&format!("CLUSTER GETKEYSINSLOT {} 100", self.slot));
        assert!(!names.is_empty());
        for name in names {
            let () = self.source.raw.ask(&format!("MIGRATE {} {name} 0 5000", self.target.address));
        }
    }

    /// Tells the masters whose the slot is.
    fn end(&mut self) {
        let told = format!("CLUSTER SETSLOT {} NODE {}", self.slot, self.target.id);
        let () = self.target.raw.ask(&told);
        let () = self.source.raw.ask(&told);
    }
}

async fn open(cluster: &Instance) -> RedisStore {
    RedisStore::open(&cluster.url()).await.unwrap()
}

/// Updates the record and loads it again.
async fn used(store: &RedisStore, key: &StoreKey, version: &mut Version, payload: &str) {
    match store.update(key, *version, &record(payload)).await.unwrap() {
        UpdateOutcome::Updated(next) => *version = next,
        other => panic!("{other:?}"),
    }
    let stored = store.load(key, None).await.unwrap().unwrap();
    assert_eq!((stored.version, &stored.record.payload[..]), (*version, payload.as_bytes()));
}

fn record(payload: &str) -> Record {
    Record::new(payload.to_owned(), Timestamp::NEVER)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_used_at_every_step_of_a_move_of_their_slot() {
    let cluster = Instance::start(Service::RedisCluster).unwrap();
    let store = open(&cluster).await;
    let (key, other) = (StoreKey::from_hash([7; 32]), neighbour(&StoreKey::from_hash([7; 32])));
    let mut version = created(&store, &key, &record("before")).await;

    let mut on = Move::begin(&cluster, &key);
    used(&store, &key, &mut version, "the slot is about to move").await;
    let mut of_other = created(&store, &other, &record("new in the slot")).await;
    used(&store, &other, &mut of_other, "only at the target").await;

    on.carry();
    used(&store, &key, &mut version, "the record has moved, and the slot has not").await;
    used(&open(&cluster).await, &key, &mut version, "and who comes now finds it").await;

    on.end();
    used(&store, &key, &mut version, "the slot has moved").await;
    used(&store, &other, &mut of_other, "with all that is in it").await;
    assert!(store.delete(&key).await.unwrap().is_some());
}

/// Its update is a script of two keys, of which one is mostly missing: servers refuse those until the slot has moved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_a_user_s_record_waits_until_its_slot_has_moved() {
    let cluster = Instance::start(Service::RedisCluster).unwrap();
    let store = open(&cluster).await;
    let (key, alice) = (StoreKey::from_hash([8; 32]), OwnerKey::new("alice").unwrap());
    let owner = Owner::new(alice.clone(), Timestamp::now());
    let owned = record("hers").with_owner(owner);
    let version = created(&store, &key, &owned).await;

    let mut on = Move::begin(&cluster, &key);
    let (writer, next) = (store.clone(), owned.clone());
    let mut update =
        tokio::spawn(async move { writer.update(&StoreKey::from_hash([8; 32]), version, &next).await });
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut update).await.is_err(), "it waits");
    on.carry();
    on.end();
    assert!(matches!(update.await.unwrap().unwrap(), UpdateOutcome::Updated(_)));

    let owners = store.capabilities().owners.unwrap();
    assert_eq!(owners.revoke(&alice, Timestamp::now()).await.unwrap(), 1);
    assert_eq!(store.load(&key, None).await.unwrap(), None);
}
