//! Every service starts, dies, comes back, and leaves nothing behind.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "with `--nocapture` each test says how long a service takes"
)]

use std::{
    net::{Ipv4Addr, TcpStream},
    path::Path,
    time::Instant,
};

use cloakroom_services::{Instance, Result, Service};

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Starts one, and does to it whatever one can do to any service.
fn lives(service: Service) -> Result {
    let begin = Instant::now();
    let mut instance = Instance::start(service)?;
    println!("{service} is ready after {:.1} s at {}", begin.elapsed().as_secs_f64(), instance.url());
    let url = instance.url();
    let ports: Vec<_> = instance.servers().iter().map(|server| server.port()).collect();

    instance.kill()?;
    assert!(!ports.iter().any(|port| listens(*port)), "{service}: no process listens after a kill");
    instance.restart()?;
    assert_eq!(instance.url(), url);

    instance.pause()?;
    assert!(listens(ports[0]), "{service}: the system goes on accepting connections");
    instance.resume()?;

    instance.stop()?;
    assert!(!ports.iter().any(|port| listens(*port)), "{service}: no process listens after a stop");
    instance.restart_empty()?;
    assert_eq!(instance.url(), url);

    let pids: Vec<_> = instance.servers().iter().filter_map(|server| server.pid()).collect();
    drop(instance);
    assert!(!pids.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists()), "{service}: all have ended");
    Ok(())
}

macro_rules! each {
    ($($name:ident: $service:ident;)*) => {
        $(
            #[test]
            fn $name() {
                lives(Service::$service).unwrap();
            }
        )*

        #[test]
        fn every_service_has_its_test() {
            assert_eq!(Service::ALL, [$(Service::$service),*]);
        }
    };
}

each! {
    redis_lives: Redis;
    redis_with_tls_lives: RedisTls;
    redis_cluster_lives: RedisCluster;
    redis_sentinel_lives: RedisSentinel;
    valkey_lives: Valkey;
    postgres_lives: Postgres;
    mariadb_lives: Mariadb;
    mongodb_lives: Mongodb;
    mongodb_replicas_live: MongodbReplicas;
    memcached_lives: Memcached;
    dynamodb_lives: Dynamodb;
    etcd_lives: Etcd;
    etcd_cluster_lives: EtcdCluster;
}

#[test]
fn mysql_lives_where_it_is() {
    if Service::here().contains(&Service::Mysql) {
        lives(Service::Mysql).unwrap();
    } else {
        eprintln!("SKIPPED: there is no MySQL");
    }
}
