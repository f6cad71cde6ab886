//! Clients that ask for the same page again and again, each on a connection and with a session of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::Result;

const CLIENTS: usize = 16;

/// A served application, and the cookies of its clients.
pub(crate) struct Site {
    address: SocketAddr,
    cookies: Vec<String>,
}

impl Site {
    /// Serves `app`, and has every client begin a session.
    pub(crate) fn open(server: &Runtime, app: Router) -> Result<Self> {
        let listener = server.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        server.spawn(async move { axum::serve(listener, app).await });
        let cookies = clients()?.block_on(async {
            let mut cookies = Vec::new();
            for _ in 0..CLIENTS {
                cookies.push(begin(address).await?);
            }
            Result::<_>::Ok(cookies)
        })?;
        Ok(Self { address, cookies })
    }

    /// Requests a second for `path`, asked by all clients for that long.
    pub(crate) fn ask(&self, path: &str, span: Duration) -> Result<f64> {
        clients()?.block_on(async {
            let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
            let mut asking = tokio::task::JoinSet::new();
            for cookie in &self.cookies {
                let request = request(path, cookie);
                asking.spawn(keep_asking(self.address, request, over.clone(), answered.clone()));
            }
            let began = Instant::now();
            tokio::time::sleep(span).await;
            over.store(true, Ordering::Relaxed);
            while let Some(ended) = asking.join_next().await {
                ended??;
            }
            #[expect(clippy::cast_precision_loss, reason = "a rate of at most some ten thousand")]
            Ok(answered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
        })
    }
}

/// The clients' own thread.
fn clients() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn request(path: &str, cookie: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n")
}

async fn begin(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let answer = exchange(&mut stream, "GET /begin HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    Ok(cookie.and_then(|cookie| cookie.split(';').next()).ok_or("no session began")?.to_owned())
}

async fn keep_asking(
    address: SocketAddr,
    request: String,
    over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
) -> Result {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    while !over.load(Ordering::Relaxed) {
        exchange(&mut stream, &request).await?;
        answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Sends a request and reads its answer, whose body is `hello`; any other is an error.
async fn exchange(stream: &mut TcpStream, request: &str) -> Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let (mut answer, mut length) = ([0; 2048], 0);
    while !answer[..length].ends_with(b"\r\n\r\nhello") {
        let read = stream.read(&mut answer[length..]).await?;
        length += read;
        if read == 0 || !answer.starts_with(b"HTTP/1.1 200") {
            return Err(format!("answered with {:?}", String::from_utf8_lossy(&answer[..length])).into());
        }
    }
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}
