//! Tables of a test's own on the servers that tests share.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::thread;

use cloakroom_mysql::MysqlStore;
use cloakroom_postgres::PostgresStore;
use cloakroom_services::Service;

/// Connections of a store: requests that a test makes meet on different ones, and many tests share a server.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(6).expect("6 is more than 0");

/// Tables that are dropped with this.
#[derive(Debug)]
pub(crate) struct Tables(Made);

#[derive(Clone, Debug)]
enum Made {
    InPostgres(cloakroom_postgres::Builder),
    InMariadb(cloakroom_mysql::Builder),
}

impl From<&cloakroom_postgres::Builder> for Tables {
    fn from(builder: &cloakroom_postgres::Builder) -> Self {
        Self(Made::InPostgres(builder.clone()))
    }
}

impl From<&cloakroom_mysql::Builder> for Tables {
    fn from(builder: &cloakroom_mysql::Builder) -> Self {
        Self(Made::InMariadb(builder.clone()))
    }
}

/// Makes tables in PostgreSQL, whose writes need not survive the server.
pub(crate) async fn in_postgres() -> cloakroom_postgres::Builder {
    let url = format!("{}?sslmode=disable&options=-c%20synchronous_commit%3Doff", Service::Postgres.shared());
    let builder = PostgresStore::from_url(&url).expect("the URL is right");
    let builder = builder.prefix(unused()).connections(CONNECTIONS);
    builder.create_tables().await.expect("tables can be made in PostgreSQL");
    builder
}

/// Makes tables in MariaDB.
pub(crate) async fn in_mariadb() -> cloakroom_mysql::Builder {
    let url = format!("{}?ssl-mode=DISABLED", Service::Mariadb.shared());
    let builder = MysqlStore::from_url(&url).expect("the URL is right");
    let builder = builder.prefix(unused()).connections(CONNECTIONS);
    builder.create_tables().await.expect("tables can be made in MariaDB");
    builder
}

/// A prefix that nothing has used before.
fn unused() -> String {
    format!("race_{:016x}_", RandomState::new().hash_one(0))
}

impl Drop for Tables {
    fn drop(&mut self) {
        let made = self.0.clone();
        // A runtime cannot be waited for inside another one. What is left behind goes with the server.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                match made {
                    Made::InPostgres(builder) => builder.drop_all().await.ok(),
                    Made::InMariadb(builder) => builder.drop_all().await.ok(),
                }
            })
        });
        drop(dropping.join());
    }
}
