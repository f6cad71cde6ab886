//! The proxies: how each is configured and started.

use std::fs::{self, File, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A proxy, as Debian has it.
pub(crate) struct Proxy {
    pub(crate) program: &'static str,
    /// Whether it stores responses.
    pub(crate) is_cache: bool,
    /// Whether it stores those that vary by cookie.
    pub(crate) stores_by_cookie: bool,
    /// `FOLDER`, `PORT` and `ORIGIN` stand for what differs, `PREFIX` for the folder above its program's.
    configuration: &'static str,
    arguments: &'static [&'static str],
}

pub(crate) const NGINX: Proxy = Proxy {
    program: "nginx",
    is_cache: true,
    stores_by_cookie: true,
    configuration: "daemon off; master_process off; pid FOLDER/pid; error_log FOLDER/log; events {}
        http {
            access_log off; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c;
            uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e; proxy_cache_path FOLDER/f keys_zone=pages:1m;
            server {
                listen 127.0.0.1:PORT;
                location / { proxy_pass http://127.0.0.1:ORIGIN; proxy_cache pages; proxy_cache_valid 200 60s; }
            }
        }",
    arguments: &["-p", "FOLDER", "-c", "FOLDER/configuration"],
};

pub(crate) const HAPROXY: Proxy = Proxy {
    program: "haproxy",
    is_cache: true,
    stores_by_cookie: false,
    configuration: "
cache pages
    total-max-size 4
    max-age 60
defaults
    mode http
    timeout connect 10s
    timeout client 10s
    timeout server 10s
frontend all
    bind 127.0.0.1:PORT
    http-request cache-use pages
    http-response cache-store pages
    default_backend application
backend application
    server only 127.0.0.1:ORIGIN
",
    arguments: &["-db", "-f", "FOLDER/configuration"],
};

pub(crate) const VARNISH: Proxy = Proxy {
    program: "varnishd",
    is_cache: true,
    stores_by_cookie: true,
    configuration: "vcl 4.1;
        backend application { .host = \"127.0.0.1\"; .port = \"ORIGIN\"; }
        sub vcl_recv { return (hash); }",
    arguments: &[
        "-F",
        "-n",
        "FOLDER/files",
        "-f",
        "FOLDER/configuration",
        "-a",
        "127.0.0.1:PORT",
        "-j",
        "none",
        "-s",
        "default,4m",
        "-t",
        "60",
    ],
};

pub(crate) const SQUID: Proxy = Proxy {
    program: "squid",
    is_cache: true,
    stores_by_cookie: true,
    configuration: "http_port 127.0.0.1:PORT accel defaultsite=localhost
cache_peer 127.0.0.1 parent ORIGIN 0 no-query originserver name=application
http_access allow all
refresh_pattern . 1 100% 1
cache_mem 8 MB
pid_filename FOLDER/pid
cache_log FOLDER/log
access_log none
coredump_dir FOLDER
mime_table PREFIX/share/squid/mime.conf
icon_directory PREFIX/share/squid/icons
error_directory PREFIX/share/squid/errors/en
unlinkd_program PREFIX/lib/squid/unlinkd
cache_effective_user proxy
shutdown_lifetime 0 seconds
",
    arguments: &["-N", "-f", "FOLDER/configuration"],
};

pub(crate) const APACHE: Proxy = Proxy {
    program: "apache2",
    is_cache: true,
    stores_by_cookie: true,
    configuration: "ServerName localhost
ServerRoot FOLDER
DefaultRuntimeDir FOLDER
PidFile FOLDER/pid
ErrorLog FOLDER/log
Listen 127.0.0.1:PORT
User www-data
Group www-data
LoadModule mpm_event_module PREFIX/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module PREFIX/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module PREFIX/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module PREFIX/lib/apache2/modules/mod_proxy_http.so
LoadModule cache_module PREFIX/lib/apache2/modules/mod_cache.so
LoadModule cache_disk_module PREFIX/lib/apache2/modules/mod_cache_disk.so
CacheEnable disk /
CacheRoot FOLDER
CacheDefaultExpire 60
CacheIgnoreNoLastMod On
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:ORIGIN/
",
    arguments: &["-X", "-f", "FOLDER/configuration"],
};

pub(crate) const CADDY: Proxy = Proxy {
    program: "caddy",
    is_cache: false,
    stores_by_cookie: false,
    configuration: "{
    admin off
    auto_https off
}
http://:PORT {
    bind 127.0.0.1
    reverse_proxy 127.0.0.1:ORIGIN
}
",
    arguments: &["run", "--adapter", "caddyfile", "--config", "FOLDER/configuration"],
};

/// A proxy that runs; it ends when this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    process: Child,
    folder: TempDir,
}

impl Running {
    /// Starts a proxy in front of a server; `None` if it is not installed.
    #[expect(clippy::print_stderr, reason = "a test that tests nothing says so")]
    pub(crate) async fn start(proxy: &Proxy, origin: SocketAddr) -> Option<Self> {
        let Some(program) = find(proxy.program) else {
            eprintln!("SKIPPED: {} is not installed, so nothing was tested", proxy.program);
            return None;
        };
        let folder = TempDir::new().unwrap();
        // Some of them give up their rights when they run as root.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let prefix = program.parent().and_then(Path::parent).unwrap();
        let fill = |text: &str| {
            text.replace("FOLDER", folder.path().to_str().unwrap())
                .replace("PORT", &address.port().to_string())
                .replace("ORIGIN", &origin.port().to_string())
                .replace("PREFIX", prefix.to_str().unwrap())
        };
        fs::write(folder.path().join("configuration"), fill(proxy.configuration)).unwrap();
        let output = File::create(folder.path().join("output")).unwrap();
        let process = Command::new(&program)
            .args(proxy.arguments.iter().map(|argument| fill(argument)))
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut running = Self { address, process, folder };
        running.wait_until_ready(proxy).await;
        Some(running)
    }

    async fn wait_until_ready(&mut self, proxy: &Proxy) {
        for _ in 0..1000 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "{} does not start: {}", proxy.program, self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} is not ready after 20 seconds: {}", proxy.program, self.said());
    }

    fn said(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("output") + &read("log")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Varnish ends its worker only if it is asked to end; the others end at once, too.
        let _asked = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ended = self.process.wait();
    }
}

/// Finds a program in the `PATH`, or where Debian has servers.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}
