//! The services, by name.

use std::fmt;

use crate::{certificates, programs, tool::Tool};

/// A server, or some that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Redis 7, one node.
    Redis,
    /// Redis 7, one node that speaks TLS and nothing else.
    RedisTls,
    /// Redis Cluster: three masters, each with a replica.
    RedisCluster,
    /// Redis under Sentinel: a master, two replicas, three sentinels.
    RedisSentinel,
    /// Valkey 9, one node.
    Valkey,
    /// PostgreSQL 15; TLS for clients that want it.
    Postgres,
    /// MariaDB 10.11; TLS for clients that want it.
    Mariadb,
    /// MySQL, where it is there; TLS for clients that want it.
    Mysql,
    /// MongoDB 6, one node by itself; TLS for clients that want it.
    Mongodb,
    /// MongoDB 6, a replica set of one node.
    MongodbReplicas,
    /// memcached 1.6.
    Memcached,
    /// An emulator of DynamoDB.
    Dynamodb,
    /// etcd 3.4, one node.
    Etcd,
    /// etcd 3.4: three members that speak TLS with clients and nothing else.
    EtcdCluster,
}

impl Service {
    /// Those that every machine can have.
    pub const ALL: [Self; 13] = [
        Self::Redis,
        Self::RedisTls,
        Self::RedisCluster,
        Self::RedisSentinel,
        Self::Valkey,
        Self::Postgres,
        Self::Mariadb,
        Self::Mongodb,
        Self::MongodbReplicas,
        Self::Memcached,
        Self::Dynamodb,
        Self::Etcd,
        Self::EtcdCluster,
    ];

    /// Returns the services that this machine has or can have.
    pub fn here() -> Vec<Self> {
        let has = |service: &Self| service.tools().iter().all(|tool| tool.find().is_some());
        Self::ALL.into_iter().chain(Some(Self::Mysql).filter(has)).collect()
    }

    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::RedisTls => "redis-tls",
            Self::RedisCluster => "redis-cluster",
            Self::RedisSentinel => "redis-sentinel",
            Self::Valkey => "valkey",
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Mysql => "mysql",
            Self::Mongodb => "mongodb",
            Self::MongodbReplicas => "mongodb-replicas",
            Self::Memcached => "memcached",
            Self::Dynamodb => "dynamodb",
            Self::Etcd => "etcd",
            Self::EtcdCluster => "etcd-cluster",
        }
    }

    /// Finds the service of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Mysql]).find(|service| service.name() == name)
    }

    /// Returns the environment variable that has the URL of the one that tests share.
    pub fn variable(self) -> String {
        format!("CLOAKROOM_TEST_{}", self.name().to_uppercase().replace('-', "_"))
    }

    /// Returns the programs that it needs.
    pub fn tools(self) -> &'static [Tool] {
        use certificates::OPENSSL;
        use programs::{dynamodb, etcd, mariadb, memcached, mongodb, mysql, postgres, redis};
        match self {
            Self::Redis | Self::RedisCluster => &[redis::REDIS, redis::CLI],
            Self::RedisTls => &[redis::REDIS, redis::CLI, OPENSSL],
            Self::RedisSentinel => &[redis::REDIS, redis::SENTINEL, redis::CLI],
            Self::Valkey => &[redis::VALKEY, redis::CLI],
            Self::Postgres => &[postgres::SERVER, postgres::INITDB, postgres::CLIENT, OPENSSL],
            Self::Mariadb => &[mariadb::SERVER, mariadb::INSTALL, mariadb::CLIENT, OPENSSL],
            Self::Mysql => &[mysql::SERVER, OPENSSL],
            Self::Mongodb | Self::MongodbReplicas => &[mongodb::SERVER, OPENSSL],
            Self::Memcached => &[memcached::SERVER],
            Self::Dynamodb => &[dynamodb::SERVER],
            Self::Etcd => &[etcd::SERVER],
            Self::EtcdCluster => &[etcd::SERVER, OPENSSL],
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_names_one_service() {
        for service in Service::ALL {
            assert_eq!(Service::named(service.name()), Some(service));
        }
        assert_eq!(Service::named("oracle"), None);
    }

    #[test]
    fn variables_are_those_of_the_guide() {
        assert_eq!(Service::RedisCluster.variable(), "CLOAKROOM_TEST_REDIS_CLUSTER");
        assert_eq!(Service::Mariadb.variable(), "CLOAKROOM_TEST_MARIADB");
    }
}
