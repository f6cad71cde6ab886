//! Several members, and TLS.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::time::{Duration, Instant};

use cloakroom_etcd::{Builder, EtcdStore};
use cloakroom_services::{Certificates, Instance, Service};
use cloakroom_store::{
    CreateOutcome, Error, ErrorKind, Record, Store, StoreKey, Timestamp, UpdateOutcome, Version,
};

const TIMEOUT: Duration = Duration::from_secs(6);
/// What each of three members is given to answer a load.
const SHARE: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

fn cluster() -> Instance {
    Instance::start(Service::EtcdCluster).unwrap()
}

fn builder(server: &Instance) -> Builder {
    let authority = fs::read(server.certificates().unwrap().authority()).unwrap();
    EtcdStore::from_url(&server.url()).unwrap().request_timeout(TIMEOUT).root_certificates(authority)
}

async fn open(server: &Instance) -> EtcdStore {
    builder(server).build().await.unwrap()
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn record(number: u32) -> Record {
    Record::new(number.to_string(), Timestamp::NEVER)
}

async fn create(store: &EtcdStore, number: u8) -> Version {
    match store.create(&key(number), &record(0)).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

fn number_in(record: &Record) -> u32 {
    std::str::from_utf8(&record.payload).unwrap().parse().unwrap()
}

fn assert_unavailable(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

/// Asks until a majority answers.
async fn load(store: &EtcdStore, number: u8) -> Option<Record> {
    let patience = Instant::now() + LONGEST;
    loop {
        match store.load(&key(number), None).await {
            Ok(found) => return found.map(|stored| stored.record),
            Err(error) => assert_unavailable(&error),
        }
        assert!(Instant::now() < patience, "no member was found");
    }
}

/// Counts up until a write is acknowledged; says which. The last one that was is there.
async fn write(store: &EtcdStore, version: &mut Version, last: u32) -> u32 {
    let patience = Instant::now() + LONGEST;
    let mut next = last + 1;
    loop {
        match store.update(&key(1), *version, &record(next)).await {
            Ok(UpdateOutcome::Updated(updated)) => {
                *version = updated;
                return next;
            }
            // A write without an acknowledgement was made after all.
            Ok(UpdateOutcome::Conflict(stored)) => {
                assert!(number_in(&stored.record) >= last, "write {last} was acknowledged: {stored:?}");
                *version = stored.version;
            }
            Ok(other) => panic!("an acknowledged record is lost: {other:?}"),
            Err(error) => assert_unavailable(&error),
        }
        assert!(Instant::now() < patience, "no member was found");
        next += 1;
    }
}

#[tokio::test]
async fn each_member_in_turn_is_killed_and_no_acknowledged_write_is_lost() {
    let mut server = cluster();
    let store = open(&server).await;
    let mut version = create(&store, 1).await;
    let mut last = 0;
    for member in 0..3 {
        server.servers()[member].kill().unwrap();
        for _ in 0..20 {
            last = write(&store, &mut version, last).await;
        }
        assert_eq!(load(&open(&server).await, 1).await, Some(record(last)), "a new client finds it");
        server.servers()[member].restart().unwrap();
    }
    assert_eq!(load(&store, 1).await, Some(record(last)));
}

#[tokio::test]
async fn a_member_that_hangs_costs_a_load_a_share_of_the_timeout_once() {
    let mut server = cluster();
    let store = open(&server).await;
    create(&store, 1).await;
    server.servers()[0].pause().unwrap();
    // The leader may be the one that hangs, and the others have to agree on another one first.
    assert_eq!(load(&store, 1).await, Some(record(0)));
    let begin = Instant::now();
    for _ in 0..20 {
        assert_eq!(load(&store, 1).await, Some(record(0)));
    }
    assert!(begin.elapsed() < 10 * SHARE, "it is not asked again");
    server.servers()[0].resume().unwrap();
}

#[tokio::test]
async fn an_application_starts_although_the_first_member_hangs() {
    let mut server = cluster();
    create(&open(&server).await, 1).await;
    server.servers()[0].pause().unwrap();
    let patience = Instant::now() + LONGEST;
    let store = loop {
        match builder(&server).build().await {
            Ok(store) => break store,
            Err(error) => assert_unavailable(&error),
        }
        assert!(Instant::now() < patience, "no member was found");
    };
    assert_eq!(load(&store, 1).await, Some(record(0)));
    // A write that no server got goes to the next one, although the system of the first one took the connection.
    let lazy = builder(&server).build_lazy().unwrap();
    create(&lazy, 2).await;
    server.servers()[0].resume().unwrap();
}

#[tokio::test]
async fn without_a_majority_nothing_is_answered_and_nothing_is_lost() {
    let mut server = cluster();
    let store = open(&server).await;
    let mut version = create(&store, 1).await;
    let before = write(&store, &mut version, 0).await;
    for member in 1..3 {
        server.servers()[member].kill().unwrap();
    }
    assert_unavailable(&store.load(&key(1), None).await.unwrap_err());
    assert_unavailable(&store.update(&key(1), version, &record(before + 1)).await.unwrap_err());
    for member in 1..3 {
        server.servers()[member].restart().unwrap();
    }
    let found = number_in(&load(&store, 1).await.unwrap());
    assert!([before, before + 1].contains(&found), "the last write was uncertain: {found}");
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_trusted_is_refused_and_the_error_says_so() {
    let server = cluster();
    let folder = tempfile::tempdir().unwrap();
    let other = Certificates::make(folder.path()).unwrap();
    let url = server.url();
    for builder in [
        EtcdStore::from_url(&url).unwrap(),
        EtcdStore::from_url(&url).unwrap().root_certificates(fs::read(other.authority()).unwrap()),
    ] {
        let error = builder.request_timeout(TIMEOUT).build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let plain = EtcdStore::from_url(&url.replace("etcds://", "etcd://")).unwrap().request_timeout(TIMEOUT);
    assert_unavailable(&plain.build().await.unwrap_err());
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_of_the_client_gets_it() {
    let arguments = ["--client-cert-auth", "--trusted-ca-file", "tls/ca.pem"];
    let server = Instance::start_with(Service::EtcdCluster, &arguments).unwrap();
    let own = server.certificates().unwrap();
    let (certificate, private) = (fs::read(own.certificate()).unwrap(), fs::read(own.key()).unwrap());
    let with = builder(&server).client_certificate(certificate.clone(), private.clone());
    create(&with.build().await.unwrap(), 1).await;
    let folder = tempfile::tempdir().unwrap();
    let other = Certificates::make(folder.path()).unwrap();
    let foreign = [fs::read(other.certificate()).unwrap(), fs::read(other.key()).unwrap()];
    let [foreign_certificate, foreign_key] = foreign;
    for builder in [
        builder(&server),
        builder(&server).client_certificate(foreign_certificate.clone(), foreign_key.clone()),
    ] {
        let error = builder.build().await.unwrap_err();
        assert_unavailable(&error);
        assert!(error.to_string().contains("certificate of the client"), "{error}");
    }
    for builder in [
        builder(&server).client_certificate("no pem", private.clone()),
        builder(&server).client_certificate(certificate.clone(), "no pem"),
        builder(&server).client_certificate(certificate.clone(), foreign_key),
        EtcdStore::from_url("etcd://host").unwrap().client_certificate(certificate, private),
    ] {
        assert_eq!(builder.build_lazy().unwrap_err().kind(), ErrorKind::Invalid);
    }
}
