//! MariaDB.

use std::{fs, process::Command};

use super::{PASSWORD, USER};
use crate::{
    Certificates, Result,
    process::{Account, check},
    program::{Place, Program},
    tool::Tool,
};

pub(crate) const SERVER: Tool = Tool::debian("mariadbd", "mariadb-server");
pub(crate) const INSTALL: Tool = Tool::debian("mariadb-install-db", "mariadb-server");
pub(crate) const CLIENT: Tool = Tool::debian("mariadb", "mariadb-client");

const ACCOUNT: Account = Account::NeverRoot;

/// The statements with which a server begins.
const BEGIN: &str = "begin.sql";

#[derive(Debug)]
pub(crate) struct Mariadb {
    certificates: Option<Certificates>,
}

impl Mariadb {
    pub(crate) fn new(certificates: Option<Certificates>) -> Self {
        Self { certificates }
    }
}

impl Program for Mariadb {
    fn tool(&self) -> Tool {
        SERVER
    }

    fn account(&self) -> Account {
        ACCOUNT
    }

    fn prepare(&self, place: &Place) -> Result {
        let mut install = place.command(ACCOUNT, &INSTALL)?;
        install.args(["--no-defaults", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M"]);
        install.args(["--auth-root-authentication-method=normal", "--innodb-flush-log-at-trx-commit=0"]);
        apart(&mut install, place);
        check(install.arg(format!("--datadir={}", place.folder().join("data").display())))?;
        begin(place, self.certificates.as_ref())
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        let file = |name: &str| place.folder().join(name).display().to_string();
        command.args([
            "--no-defaults",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--max-connections=300",
        ]);
        apart(command, place);
        command.args([format!("--port={}", place.port.number()), format!("--datadir={}", file("data"))]);
        command.arg(format!("--socket={}", file("socket")));
        command.args(["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M"]);
        start(place, self.certificates.as_ref(), command);
    }

    fn is_ready(&self, place: &Place) -> bool {
        let Ok(mut client) = place.command(ACCOUNT, &CLIENT) else { return false };
        client.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--connect-timeout=5"]);
        client.args([format!("--port={}", place.port.number()), format!("--user={USER}")]);
        check(client.args(["--execute=SELECT 1", USER]).env("MYSQL_PWD", PASSWORD)).is_ok()
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        url_of(place)
    }
}

/// Gives a server a folder of its own for temporary tables: at its start it removes all that it finds, of whomever.
pub(super) fn apart(command: &mut Command, place: &Place) {
    command.env("TMPDIR", place.folder());
}

/// Puts what MariaDB and MySQL read at each start into a server's folder.
pub(super) fn begin(place: &Place, certificates: Option<&Certificates>) -> Result {
    // Read before the first client can connect.
    let begin = place.folder().join(BEGIN);
    fs::write(
        &begin,
        format!(
            "CREATE DATABASE IF NOT EXISTS {USER};\n\
             CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
        ),
    )?;
    ACCOUNT.owns(&begin)?;
    match certificates {
        Some(certificates) => certificates.copy_to(place.folder(), ACCOUNT).map(drop),
        None => Ok(()),
    }
}

/// Says where that is.
pub(super) fn start(place: &Place, certificates: Option<&Certificates>, command: &mut Command) {
    let file = |name: &str| place.folder().join(name).display().to_string();
    command.arg(format!("--init-file={}", file(BEGIN)));
    if certificates.is_some() {
        command.args([
            format!("--ssl-ca={}", file("tls/ca.pem")),
            format!("--ssl-cert={}", file("tls/server.pem")),
            format!("--ssl-key={}", file("tls/server.key")),
        ]);
    }
}

pub(super) fn url_of(place: &Place) -> String {
    format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}/{USER}", place.port.number())
}
