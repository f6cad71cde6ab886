//! What a request costs Express and what it costs axum, in CPU time of the process, side by side in one run: the same
//! sessions of 1 KB in the same Redis, read and written by turns.
//!
//! `cargo run --release -p cloakroom-node-oracle --bin cost -- redis://127.0.0.1:6379`
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::time::Duration;

use cloakroom_node::Express;
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};
use cloakroom_redis::RedisStore;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

const SECRET: &str = "keyboard cat";
const PREFIX: &str = "oracle-cost:";
/// How many requests warm each application up, and how many are measured in a round.
const REQUESTS: u32 = 4_000;
const ROUNDS: u32 = 3;
const CONNECTIONS: u32 = 8;

#[tokio::main]
async fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [url] => compare(url).await,
        [serve, url] if serve == "serve" => serve_rust(url).await,
        _ => Err("usage: cost redis://HOST".into()),
    }
}

/// Serves the Rust application in a process of its own, and prints its port.
async fn serve_rust(url: &str) -> Result {
    let express = Express::new([SECRET])?;
    let bodies = RedisStore::from_url(url)?.prefix(PREFIX).build_bodies().await?;
    let app = RustApp::start(express.config(), express.store(bodies)).await?;
    println!("{}", app.port());
    std::future::pending().await
}

async fn compare(url: &str) -> Result {
    let settings = [("STORE", "redis"), ("URL", url), ("PREFIX", PREFIX), ("SECRETS", SECRET)];
    let node = NodeApp::start("express", &settings).await?;
    let mut rust = Command::new(std::env::current_exe()?)
        .args(["serve", url])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut line = String::new();
    BufReader::new(rust.stdout.take().ok_or("no output")?).read_line(&mut line).await?;
    let subjects = [
        ("Express", node.port(), node.id().ok_or("it has ended")?),
        ("axum", line.trim().parse()?, rust.id().ok_or("it has ended")?),
    ];
    let mut cookies = Vec::new();
    for _ in 0..CONNECTIONS {
        cookies.push(begin(node.port()).await?);
    }
    println!(
        "CPU of the process per request, in microseconds; {REQUESTS} requests, the best of {ROUNDS} rounds by turns\n"
    );
    println!("| | Express | axum | ratio |\n|---|---|---|---|");
    for (what, path) in [("read", "/views"), ("write", "/count")] {
        let mut best = [f64::MAX; 2];
        for _ in 0..=ROUNDS {
            for (place, (_, port, pid)) in subjects.iter().enumerate() {
                best[place] = best[place].min(cost(*port, *pid, path, &cookies).await?);
            }
        }
        println!("| {what} | {:.0} | {:.0} | 1/{:.1} |", best[0], best[1], best[0] / best[1]);
    }
    Ok(())
}

/// Begins a session of 1 KB, and returns its cookie.
async fn begin(port: u16) -> Result<String> {
    let mut browser = Browser::new();
    browser.text(port, "/count").await?;
    browser.text(port, &format!("/set?key=text&value=%22{}%22", "x".repeat(900))).await?;
    Ok(browser.jar().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; "))
}

/// Returns the microseconds of CPU that a request costs a process. Each connection has a session of its own.
async fn cost(port: u16, pid: u32, path: &str, cookies: &[String]) -> Result<f64> {
    let before = cpu_of(pid)?;
    let mut connections = Vec::new();
    for cookie in cookies {
        let (path, cookie) = (path.to_owned(), cookie.clone());
        connections.push(tokio::spawn(async move { ask(port, &path, &cookie).await }));
    }
    for connection in connections {
        connection.await??;
    }
    let took = cpu_of(pid)?.saturating_sub(before);
    Ok(took.as_secs_f64() * 1e6 / f64::from(REQUESTS))
}

/// Sends a share of the requests on one connection.
async fn ask(port: u16, path: &str, cookie: &str) -> Result {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
    for _ in 0..REQUESTS / CONNECTIONS {
        stream.write_all(request.as_bytes()).await?;
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            stream.read_line(&mut line).await?;
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        stream.read_exact(&mut vec![0; length]).await?;
    }
    Ok(())
}

/// Returns the CPU time that a process has used, user and system.
fn cpu_of(pid: u32) -> Result<Duration> {
    /// Linux counts in hundredths of a second.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no such process")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
    Ok(TICK * ticks)
}
