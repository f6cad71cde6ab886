//! PostgreSQL.

use std::{fs, process::Command};

use super::{PASSWORD, USER};
use crate::{
    Certificates, Result,
    process::{Account, check},
    program::{Place, Program},
    tool::Tool,
};

pub(crate) const SERVER: Tool = Tool::debian("postgres", "postgresql-15");
pub(crate) const INITDB: Tool = Tool::debian("initdb", "postgresql-15");
pub(crate) const CLIENT: Tool = Tool::debian("psql", "postgresql-client-15");

const ACCOUNT: Account = Account::NeverRoot;

#[derive(Debug)]
pub(crate) struct Postgres {
    certificates: Option<Certificates>,
}

impl Postgres {
    pub(crate) fn new(certificates: Option<Certificates>) -> Self {
        Self { certificates }
    }
}

impl Program for Postgres {
    fn tool(&self) -> Tool {
        SERVER
    }

    fn account(&self) -> Account {
        ACCOUNT
    }

    fn prepare(&self, place: &Place) -> Result {
        let password = place.folder().join("password");
        fs::write(&password, PASSWORD)?;
        ACCOUNT.owns(&password)?;
        let mut initdb = place.command(ACCOUNT, &INITDB)?;
        initdb.args([
            "--pgdata=data",
            "--auth=scram-sha-256",
            "--pwfile=password",
            "--no-sync",
            "--no-instructions",
        ]);
        initdb.args(["--encoding=UTF8", "--locale=C", &format!("--username={USER}")]);
        check(&mut initdb)?;
        match &self.certificates {
            Some(certificates) => certificates.copy_to(place.folder(), ACCOUNT).map(drop),
            None => Ok(()),
        }
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        let port = place.port.number().to_string();
        command.args(["-D", "data", "-p", &port, "-h", "127.0.0.1", "-k", ""]);
        // Nothing of it may outlive a kill -9, and many tests share one server.
        command.args(["-c", "dynamic_shared_memory_type=mmap", "-c", "max_connections=300"]);
        if self.certificates.is_some() {
            command.args([
                "-c",
                "ssl=on",
                "-c",
                "ssl_cert_file=../tls/server.pem",
                "-c",
                "ssl_key_file=../tls/server.key",
            ]);
        }
    }

    fn is_ready(&self, place: &Place) -> bool {
        psql(place, "postgres", "SELECT 1").is_ok()
    }

    fn initialize(&self, place: &Place) -> Result {
        psql(place, "postgres", &format!("CREATE DATABASE {USER}"))
    }

    /// A fast shutdown: the default waits until the last client has gone.
    fn stop_signal(&self) -> &'static str {
        "INT"
    }

    fn url(&self, place: &Place) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{USER}", place.port.number())
    }
}

fn psql(place: &Place, database: &str, sql: &str) -> Result {
    let mut psql = place.command(ACCOUNT, &CLIENT)?;
    psql.args(["--no-psqlrc", "--quiet", "--host=127.0.0.1", &format!("--port={}", place.port.number())]);
    psql.args([&format!("--username={USER}"), "--dbname", database, "--command", sql]);
    check(psql.env("PGPASSWORD", PASSWORD).env("PGCONNECT_TIMEOUT", "5")).map(drop)
}
