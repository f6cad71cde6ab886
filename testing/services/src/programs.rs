//! The kinds of server.

pub(crate) mod dynamodb;
pub(crate) mod etcd;
mod http;
pub(crate) mod mariadb;
pub(crate) mod memcached;
pub(crate) mod mongodb;
pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod redis;

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use crate::Server;

pub use redis::DURABLE as DURABLE_REDIS;

/// The user, the password and the database of servers that have such.
pub(crate) const USER: &str = "cloakroom";
pub(crate) const PASSWORD: &str = "not-a-secret";

/// A connection to a server of this machine that gives up soon: the loop that waits for the server tries again.
fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    Ok(stream)
}

/// Sends `question` and reads what fits into one answer.
fn ask(port: u16, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = connect(port)?;
    stream.write_all(question)?;
    let mut answer = vec![0; 16 * 1024];
    let length = stream.read(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

/// `127.0.0.1:1,127.0.0.1:2,…`
fn addresses(servers: &[Server]) -> String {
    servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect::<Vec<_>>().join(",")
}
