//! MySQL, on machines that have it: in Debian 12, programs of that name are MariaDB's.

use std::process::Command;

use super::{ask, mariadb};
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
        mariadb::apart(&mut initialize, place);
        check(initialize.arg(format!("--datadir={}", place.folder().join("data").display())))?;
        mariadb::begin(place, self.certificates.as_ref())
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        let file = |name: &str| place.folder().join(name).display().to_string();
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--mysqlx=OFF"]);
        command.args(["--max-connections=300", "--max-connect-errors=1000000", "--secure-file-priv=NULL"]);
        mariadb::apart(command, place);
        command.args([format!("--port={}", place.port.number()), format!("--datadir={}", file("data"))]);
        command.args([format!("--socket={}", file("socket")), format!("--pid-file={}", file("pid"))]);
        mariadb::start(place, self.certificates.as_ref(), command);
    }

    /// The server speaks first: four bytes of a packet's head, then the version of the protocol, which is 10.
    fn is_ready(&self, place: &Place) -> bool {
        ask(place.port.number(), &[]).is_ok_and(|greeting| greeting.get(4) == Some(&10))
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        mariadb::url_of(place)
    }
}
