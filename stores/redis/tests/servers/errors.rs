//! What is wrong with a server, a setting or a record is a typed error that says what to do, and quotes nothing.

use cloakroom_conformance::heads_of;
use cloakroom_redis::RedisStore;
use cloakroom_redis::redis::{self, Client, TlsCertificates};
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    Cursor, Error, ErrorKind, OwnerKey, Owners as _, Record, Scan as _, Store as _, StoreKey, Timestamp,
    Touch,
};

use crate::raw::{Raw, nodes};
use crate::shared::{prefix, shared};

const KEY: StoreKey = StoreKey::from_hash([7; 32]);

#[track_caller]
fn is<T>(answer: Result<T, Error>, kind: ErrorKind) -> Error {
    let error = answer.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    error
}

#[tokio::test]
async fn a_wrong_password_is_a_matter_of_setup() {
    let server = Instance::start(Service::Redis).unwrap();
    let _: String = Raw::server(&server.url()).ask("CONFIG SET requirepass right");
    let host = server.url().replace("redis://", "");
    for user in ["", ":secret@", "alice:secret@"] {
        is(RedisStore::open(&format!("redis://{user}{host}")).await, ErrorKind::Setup);
    }
    RedisStore::open(&format!("redis://:right@{host}")).await.unwrap();
}

#[tokio::test]
async fn a_user_with_rights_to_records_only_can_keep_sessions_and_one_without_gets_an_error() {
    let server = Instance::start(Service::Redis).unwrap();
    let mut raw = Raw::server(&server.url());
    let allowed = "~cloakroom:* +@read +@write +@scripting +@connection";
    let _: String = raw.ask(&format!("ACL SETUSER keeper on >secret {allowed}"));
    let _: String = raw.ask("ACL SETUSER guest on >secret ~other:* +@all");
    let host = server.url().replace("redis://", "");
    let store = RedisStore::open(&format!("redis://keeper:secret@{host}")).await.unwrap();
    let record = Record::new("coat", Timestamp::NEVER);
    let _created = store.create(&KEY, &record).await.unwrap();
    let alice = OwnerKey::new("alice").unwrap();
    assert_eq!(store.revoke(&alice, Timestamp::now()).await.unwrap(), 0);
    let guest = RedisStore::open(&format!("redis://guest:secret@{host}")).await.unwrap();
    is(guest.load(&KEY, None).await, ErrorKind::Setup);
}

#[tokio::test]
async fn an_untrusted_certificate_is_a_setup_error() {
    is(RedisStore::open(&Service::RedisTls.shared()).await, ErrorKind::Setup);
    shared(Service::RedisTls, "").build().await.unwrap();
    let plain = Service::RedisTls.shared().replace("rediss", "redis");
    is(RedisStore::open(&plain).await, ErrorKind::Unavailable);
}

/// As Redis does unless it is configured otherwise.
#[tokio::test]
async fn a_server_that_wants_a_certificate_of_the_client_gets_it() {
    let server = Instance::start(Service::RedisTls).unwrap();
    let own = server.certificates().unwrap();
    let read = |path| std::fs::read(path).unwrap();
    let trusting = || RedisStore::from_url(&server.url()).unwrap().root_certificates(read(own.authority()));
    let trust = TlsCertificates { client_tls: None, root_cert: Some(read(own.authority())) };
    trusting().build().await.unwrap();
    let client = Client::build_with_tls(server.url(), trust).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let set = redis::cmd("CONFIG").arg("SET").arg("tls-auth-clients").arg("yes").to_owned();
    set.exec_async(&mut connection).await.unwrap();
    is(trusting().build().await, ErrorKind::Setup);
    let store =
        trusting().client_certificate(read(own.certificate()), read(own.key())).build().await.unwrap();
    let _created = store.create(&KEY, &Record::new("coat", Timestamp::NEVER)).await.unwrap();
    let [ca, cert, key] =
        [own.authority(), own.certificate(), own.key()].map(|path| path.display().to_string());
    let store = RedisStore::open(&format!("{}?ca={ca}&cert={cert}&key={key}", server.url())).await.unwrap();
    assert!(store.load(&KEY, None).await.unwrap().is_some());
    is(RedisStore::open(&format!("{}?ca={ca}&cert={cert}", server.url())).await, ErrorKind::Invalid);
    is(RedisStore::open(&format!("redis://host?ca={ca}")).await, ErrorKind::Invalid);
    is(RedisStore::open(&format!("redis://host?cert={cert}&key={key}")).await, ErrorKind::Invalid);
    is(trusting().client_certificate("no pem", read(own.key())).build().await, ErrorKind::Setup);
}

#[tokio::test]
async fn a_server_of_another_kind_than_the_url_says_is_a_matter_of_setup() {
    let node = nodes(&Service::RedisCluster.shared()).remove(0);
    is(RedisStore::open(&node).await, ErrorKind::Setup);
    let single = Service::Redis.shared().replace("redis://", "redis+cluster://");
    is(RedisStore::open(&single).await, ErrorKind::Setup);
    let sentinels = Service::RedisSentinel.shared();
    let sentinel = sentinels.replace("+sentinel", "").split(',').next().unwrap().to_owned();
    is(RedisStore::open(&sentinel).await, ErrorKind::Setup);
    let unknown = sentinels.replace("mymaster", "nobody");
    is(RedisStore::open(&unknown).await, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_replica_takes_no_writes() {
    let mut servers = Instance::start(Service::RedisSentinel).unwrap();
    let replica = servers.servers()[1].url();
    let builder = RedisStore::from_url(&replica).unwrap();
    let store = builder.request_timeout(std::time::Duration::from_millis(300)).build().await.unwrap();
    is(store.create(&KEY, &Record::new("coat", Timestamp::NEVER)).await, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_server_without_memory_is_full_and_what_was_there_stays() {
    let server = Instance::start_with(Service::Redis, &["--maxmemory-policy", "noeviction"]).unwrap();
    let store = RedisStore::open(&server.url()).await.unwrap();
    let record = Record::new("coat", Timestamp::NEVER);
    let cloakroom_store::CreateOutcome::Created(version) = store.create(&KEY, &record).await.unwrap() else {
        panic!()
    };
    let _: String = Raw::server(&server.url()).ask("CONFIG SET maxmemory 100kb");
    let other = StoreKey::from_hash([8; 32]);
    is(store.create(&other, &record).await, ErrorKind::Full);
    is(store.update(&KEY, version, &Record::new("hat", Timestamp::NEVER)).await, ErrorKind::Full);
    assert_eq!(store.load(&KEY, None).await.unwrap().unwrap().record, record);
    assert_eq!(store.load(&other, None).await.unwrap(), None);
    store.delete(&KEY).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_removes_keys_when_it_is_full_is_refused_unless_that_is_allowed() {
    let server = Instance::start_with(Service::Redis, &["--maxmemory-policy", "allkeys-lru"]).unwrap();
    let mut raw = Raw::server(&server.url());
    let opened = async || RedisStore::open(&server.url()).await;
    let error = is(opened().await, ErrorKind::Setup);
    assert!(error.to_string().contains("noeviction") && !error.to_string().contains('\n'), "{error}");
    RedisStore::open(&format!("{}?allow_eviction=true", server.url())).await.unwrap();
    RedisStore::from_url(&server.url()).unwrap().allow_eviction().build().await.unwrap();
    is(RedisStore::open(&format!("{}?allow_eviction=perhaps", server.url())).await, ErrorKind::Invalid);
    for policy in ["volatile-ttl", "volatile-lru", "allkeys-random"] {
        let _: String = raw.ask(&format!("CONFIG SET maxmemory-policy {policy}"));
        is(opened().await, ErrorKind::Setup);
    }
    // A user who may not ask is let in unchecked.
    let _: String =
        raw.ask("ACL SETUSER keeper on >secret ~cloakroom:* +@read +@write +@scripting +@connection");
    let host = server.url().replace("redis://", "");
    RedisStore::open(&format!("redis://keeper:secret@{host}")).await.unwrap();
    let _: String = raw.ask("ACL SETUSER looker on >secret ~cloakroom:* +@all -info");
    RedisStore::open(&format!("redis://looker:secret@{host}")).await.unwrap();
    let _: String = raw.ask("CONFIG SET maxmemory-policy noeviction");
    opened().await.unwrap();
}

#[tokio::test]
async fn one_node_of_a_cluster_that_removes_keys_is_enough_to_be_refused() {
    let servers = Instance::start(Service::RedisCluster).unwrap();
    RedisStore::open(&servers.url()).await.unwrap();
    for node in nodes(&servers.url()) {
        let mut raw = Raw::server(&node);
        if is_master(&mut raw) {
            let _: String = raw.ask("CONFIG SET maxmemory-policy volatile-lru");
            is(RedisStore::open(&servers.url()).await, ErrorKind::Setup);
            let _: String = raw.ask("CONFIG SET maxmemory-policy noeviction");
        }
    }
}

fn is_master(node: &mut Raw<redis::Connection>) -> bool {
    node.ask::<String>("INFO replication").contains("role:master")
}

#[tokio::test]
async fn foreign_bytes_are_corrupt_and_stay_as_they_are() {
    let prefix = prefix();
    let store = shared(Service::Redis, "").prefix(&*prefix).build().await.unwrap();
    let mut raw = Raw::server(&Service::Redis.shared());
    let key = StoreKey::from_bytes(&[0, 0, 0]).unwrap();
    let name = format!("{prefix}r:{{AAAA}}");
    let alice = OwnerKey::new("alice").unwrap();
    let touch = Touch::new(Timestamp::NEVER, Timestamp::NEVER);
    let record = Record::new("coat", Timestamp::NEVER);
    let whole = "1001800000000123456000000000000c0a7s000000006000a_coat";
    for put in [
        format!("LPUSH {name} secret"),
        format!("SET {name} secret"),
        format!("SET {name} {}", &whole[..30]),
        format!("SET {name} {}", &whole[..50]),
        format!("SET {name} {whole}secret"),
        format!("SET {name} {}", whole.replacen('1', "2", 1)),
    ] {
        let _: i64 = raw.ask(&format!("DEL {name}"));
        let _: cloakroom_redis::redis::Value = raw.ask(&put);
        let before: Option<Vec<u8>> = raw.ask(&format!("DUMP {name}"));
        is(store.load(&key, None).await, ErrorKind::Corrupt);
        is(store.load(&key, Some(touch)).await, ErrorKind::Corrupt);
        is(store.create(&key, &record).await, ErrorKind::Corrupt);
        is(store.update(&key, cloakroom_store::Version::new(1), &record).await, ErrorKind::Corrupt);
        is(store.touch(&key, Timestamp::NEVER).await, ErrorKind::Corrupt);
        is(store.delete(&key).await, ErrorKind::Corrupt);
        assert_eq!(raw.ask::<Option<Vec<u8>>>(&format!("DUMP {name}")), before, "{put}");
        // It has no owner, and does not keep the user's other sessions from being listed.
        let _: i64 = raw.ask(&format!("ZADD {prefix}o:{{alice}} 1 AAAA"));
        assert_eq!(heads_of(&store, &alice).await.unwrap(), []);
        assert_eq!(store.revoke(&alice, Timestamp::EPOCH).await.unwrap(), 0);
    }
    assert_eq!(store.clear().await.unwrap(), 0);
    assert_eq!(store.load(&key, None).await.unwrap(), None);
}

#[tokio::test]
async fn a_scan_that_began_before_a_restart_cannot_go_on() {
    let mut server = Instance::start(Service::Redis).unwrap();
    let store = RedisStore::open(&server.url()).await.unwrap();
    for number in 0..40 {
        let key = StoreKey::from_hash([number; 32]);
        let _created = store.create(&key, &Record::new("coat", Timestamp::NEVER)).await.unwrap();
    }
    let page = store.scan(None, 1).await.unwrap();
    server.restart_empty().unwrap();
    is(store.scan(page.next.as_ref(), 1).await, ErrorKind::Invalid);
    is(store.scan(Some(&Cursor::new("secret")), 1).await, ErrorKind::Invalid);
}
