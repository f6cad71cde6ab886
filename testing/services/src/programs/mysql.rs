//! MySQL, where somebody has it: Debian 12 calls MariaDB by its name.

use std::{fs, process::Command};

use super::{PASSWORD, USER, ask};
use crate::{
    Certificates, Result,
    process::{Account, check},
    program::{Place, Program},
    tool::{Source, Tool},
};

pub(crate) const SERVER: Tool = Tool { program: "mysqld", source: Source::Elsewhere { but: "mariadbd" } };

const ACCOUNT: Account = Account::NeverRoot;

#[derive(Debug)]
pub(crate) struct Mysql {
    certificates: Option<Certificates>,
}

impl Mysql {
    pub(crate) fn new(certificates: Option<Certificates>) -> Self {
        Self { certificates }
    }
}

impl Program for Mysql {
    fn tool(&self) -> Tool {
        SERVER
    }

    fn account(&self) -> Account {
        ACCOUNT
    }

    fn prepare(&self, place: &Place) -> Result {
        let mut initialize = place.command(ACCOUNT, &SERVER)?;
        initialize.args(["--no-defaults", "--initialize-insecure", "--secure-file-priv=NULL"]);
        apart(&mut initialize, place);
        check(initialize.arg(format!("--datadir={}", place.folder().join("data").display())))?;
        // Read at each start, before anybody can connect.
        let begin = place.folder().join("begin.sql");
        fs::write(
            &begin,
            format!(
                "CREATE DATABASE IF NOT EXISTS {USER};\n\
                 CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n\
                 GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
            ),
        )?;
        ACCOUNT.owns(&begin)?;
        match &self.certificates {
            Some(certificates) => certificates.copy_to(place.folder(), ACCOUNT).map(drop),
            None => Ok(()),
        }
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        let file = |name: &str| place.folder().join(name).display().to_string();
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--mysqlx=OFF"]);
        command.args(["--max-connections=300", "--max-connect-errors=1000000", "--secure-file-priv=NULL"]);
        apart(command, place);
        command.args([format!("--port={}", place.port.number()), format!("--datadir={}", file("data"))]);
        command.args([format!("--socket={}", file("socket")), format!("--pid-file={}", file("pid"))]);
        command.args([format!("--init-file={}", file("begin.sql"))]);
        if self.certificates.is_some() {
            command.args([
                format!("--ssl-ca={}", file("tls/ca.pem")),
                format!("--ssl-cert={}", file("tls/server.pem")),
                format!("--ssl-key={}", file("tls/server.key")),
            ]);
        }
    }

    /// The server speaks first: four bytes of a packet's head, then the version of the protocol, which is 10.
    fn is_ready(&self, place: &Place) -> bool {
        ask(place.port.number(), &[]).is_ok_and(|greeting| greeting.get(4) == Some(&10))
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}/{USER}", place.port.number())
    }
}

/// Gives a server a folder of its own for temporary tables.
fn apart(command: &mut Command, place: &Place) {
    command.env("TMPDIR", place.folder());
}
