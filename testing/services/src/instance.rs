//! A service that belongs to one test.

use crate::{
    Certificates, Result, Server, Service,
    programs::{dynamodb, etcd, mariadb, memcached, mongodb, mysql, postgres, redis},
};

use tempfile::TempDir;

/// A service that belongs to one test. Dropping it kills its servers and removes their files.
#[derive(Debug)]
pub struct Instance {
    service: Service,
    /// In the order in which they were started: masters before replicas, replicas before sentinels.
    servers: Vec<Server>,
    certificates: Option<Certificates>,
    /// Where the certificates are, if they are this instance's own.
    _folder: Option<TempDir>,
}

impl Instance {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// A program is missing or does not become ready in 90 seconds.
    pub fn start(service: Service) -> Result<Self> {
        Self::start_with(service, &[])
    }

    /// Starts it like [`start`](Self::start), with more arguments for the server, which win over its own.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(service: Service, arguments: &[&str]) -> Result<Self> {
        if !service.has_certificates() {
            return Self::start_all(service, None, arguments);
        }
        let folder = tempfile::Builder::new().prefix("cloakroom-").tempdir()?;
        let certificates = Certificates::make(folder.path())?;
        let instance = Self::start_all(service, Some(certificates), arguments)?;
        Ok(Self { _folder: Some(folder), ..instance })
    }

    /// Starts one whose server, if it speaks TLS, shows these certificates.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_trusted(service: Service, certificates: &Certificates) -> Result<Self> {
        Self::start_all(service, Some(certificates.clone()).filter(|_| service.has_certificates()), &[])
    }

    fn start_all(service: Service, certificates: Option<Certificates>, arguments: &[&str]) -> Result<Self> {
        let servers = service.servers(certificates.as_ref(), arguments)?;
        let instance = Self { service, servers, certificates, _folder: None };
        service.join(&instance.servers)?;
        Ok(instance)
    }

    /// Returns the service that this is an instance of.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Returns its URL, in the form that the stores read.
    pub fn url(&self) -> String {
        self.service.url(&self.servers)
    }

    /// Returns the certificates of its servers, if they speak TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// Returns its servers: masters before replicas, replicas before sentinels.
    pub fn servers(&mut self) -> &mut [Server] {
        &mut self.servers
    }

    /// Kills all its servers, as a crash does.
    ///
    /// # Errors
    /// One of them does not run.
    pub fn kill(&mut self) -> Result {
        self.servers.iter_mut().try_for_each(Server::kill)
    }

    /// Freezes all its servers.
    ///
    /// # Errors
    /// One of them does not run.
    pub fn pause(&mut self) -> Result {
        self.servers.iter_mut().try_for_each(Server::pause)
    }

    /// Lets them go on after a [`pause`](Self::pause).
    ///
    /// # Errors
    /// One of them does not run.
    pub fn resume(&mut self) -> Result {
        self.servers.iter_mut().try_for_each(Server::resume)
    }

    /// Ends them in order, so that they write what they keep.
    ///
    /// # Errors
    /// One of them does not run, or does not end in time.
    pub fn stop(&mut self) -> Result {
        self.servers.iter_mut().rev().try_for_each(Server::stop)
    }

    /// Starts them again on their ports, with their files.
    ///
    /// # Errors
    /// One of them does not become ready.
    pub fn restart(&mut self) -> Result {
        self.servers.iter_mut().try_for_each(Server::restart)?;
        self.service.wait_for_all(&self.servers)
    }

    /// Starts them again on their ports, as if they were new.
    ///
    /// # Errors
    /// One of them does not become ready.
    pub fn restart_empty(&mut self) -> Result {
        self.servers.iter_mut().try_for_each(Server::restart_empty)?;
        self.service.join(&self.servers)
    }
}

impl Service {
    /// Returns whether its servers can speak TLS.
    fn has_certificates(self) -> bool {
        matches!(
            self,
            Self::RedisTls
                | Self::Postgres
                | Self::Mariadb
                | Self::Mysql
                | Self::Mongodb
                | Self::MongodbReplicas
                | Self::EtcdCluster
        )
    }

    fn servers(self, certificates: Option<&Certificates>, arguments: &[&str]) -> Result<Vec<Server>> {
        let certificates = certificates.cloned();
        let one = match self {
            Self::Redis => Server::start(redis::Redis::single(), arguments),
            Self::RedisTls => Server::start(redis::Redis::with_tls(certificates), arguments),
            Self::RedisCluster => return redis::cluster::start(arguments),
            Self::RedisSentinel => return redis::sentinel::start(arguments),
            Self::Valkey => Server::start(redis::Redis::valkey(), arguments),
            Self::Postgres => Server::start(postgres::Postgres::new(certificates), arguments),
            Self::Mariadb => Server::start(mariadb::Mariadb::new(certificates), arguments),
            Self::Mysql => Server::start(mysql::Mysql::new(certificates), arguments),
            Self::Mongodb => Server::start(mongodb::Mongodb::single(certificates), arguments),
            Self::MongodbReplicas => Server::start(mongodb::Mongodb::replica_set(certificates), arguments),
            Self::Memcached => Server::start(memcached::Memcached, arguments),
            Self::Dynamodb => Server::start(dynamodb::Dynamodb, arguments),
            Self::Etcd => etcd::single(arguments),
            Self::EtcdCluster => return etcd::cluster(certificates.as_ref(), arguments),
        };
        Ok(vec![one?])
    }

    /// Makes one service of new servers.
    fn join(self, servers: &[Server]) -> Result {
        if self == Self::RedisCluster {
            redis::cluster::create(servers)?;
        }
        self.wait_for_all(servers)
    }

    /// Waits until the servers know each other.
    fn wait_for_all(self, servers: &[Server]) -> Result {
        match self {
            Self::RedisCluster => redis::cluster::wait(servers),
            Self::RedisSentinel => redis::sentinel::wait(servers),
            Self::EtcdCluster => etcd::wait(servers),
            _ => Ok(()),
        }
    }

    fn url(self, servers: &[Server]) -> String {
        match (self, servers) {
            (Self::RedisCluster, _) => redis::cluster::url(servers),
            (Self::RedisSentinel, _) => redis::sentinel::url(servers),
            (Self::EtcdCluster, _) => etcd::url(servers),
            (_, [server, ..]) => server.url(),
            (_, []) => String::new(),
        }
    }
}
