//! Certificates for servers that speak TLS.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    process::{Account, check},
    tool::Tool,
};

/// Makes certificates.
pub(crate) const OPENSSL: Tool = Tool::debian("openssl", "openssl");

/// What makes a certificate that of a server on this machine, and not of an authority.
const SERVER: &str = "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n\
                      extendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\n";

/// An authority of its own, and the certificate that it gave to `localhost` and 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes a new authority and a server's certificate in a folder.
    ///
    /// # Errors
    /// `openssl` is missing, or the folder cannot be written.
    pub fn make(folder: &Path) -> Result<Self> {
        let certificates = Self { folder: folder.to_owned() };
        let openssl = |arguments: &str| {
            let mut command = Command::new(OPENSSL.path()?);
            check(command.current_dir(folder).args(arguments.split(' '))).map(drop)
        };
        fs::write(folder.join("server.ext"), SERVER)?;
        openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=tests \
             -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem",
        )?;
        openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key \
             -out server.csr",
        )?;
        openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext \
             -out server.pem",
        )?;
        let both = [fs::read(certificates.certificate())?, fs::read(certificates.key())?].concat();
        fs::write(certificates.both(), both)?;
        Ok(certificates)
    }

    /// Copies what a server needs into its own folder, where its account may read it.
    pub(crate) fn copy_to(&self, folder: &Path, account: Account) -> Result<Self> {
        let copy = Self { folder: folder.join("tls") };
        fs::create_dir_all(&copy.folder)?;
        for (from, to) in [
            (self.authority(), copy.authority()),
            (self.certificate(), copy.certificate()),
            (self.key(), copy.key()),
            (self.both(), copy.both()),
        ] {
            fs::copy(from, to)?;
        }
        account.owns(&copy.folder)?;
        Ok(copy)
    }

    /// Returns the certificate of the authority: what a client has to trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Returns the server's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    /// Returns the server's private key.
    pub fn key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    /// Returns the server's certificate and key in one file.
    pub fn both(&self) -> PathBuf {
        self.folder.join("both.pem")
    }
}
