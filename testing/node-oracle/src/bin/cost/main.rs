//! What a request costs Express and what it costs axum, in CPU time of the process, side by side in one run: the same
//! sessions of 1 KB in the same Redis, read and written by turns. Each application has one thread, as Node has.
//!
//! `cargo run --release -p cloakroom-node-oracle --bin cost -- redis://127.0.0.1:6379`
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod bare;

use std::time::Duration;

use axum::Router;
use cloakroom_node::Express;
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};
use cloakroom_redis::RedisStore;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

const SECRET: &str = "keyboard cat";
const PREFIX: &str = "oracle-cost:";
/// How many requests an application answers in a turn, and how many turns each has. A first turn warms it up.
const REQUESTS: u32 = 2_000;
const TURNS: u32 = 21;
const CONNECTIONS: u32 = 8;

/// The applications in Rust: what is measured, and handlers without it.
const IN_RUST: [(&str, &str); 3] =
    [("cloakroom", "axum with Cloakroom"), ("signed", "bare, checks the signature"), ("bare", "bare")];

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // One thread, for the applications as for the clients.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments[..] {
        [url] => runtime.block_on(compare(url)),
        ["serve", which, url] => runtime.block_on(serve(which, url)),
        _ => Err("usage: cost redis://HOST".into()),
    }
}

/// Serves an application in a process of its own, and prints its port.
async fn serve(which: &str, url: &str) -> Result {
    if which == "cloakroom" {
        let express = Express::new([SECRET])?;
        let bodies = RedisStore::from_url(url)?.prefix(PREFIX).build_bodies().await?;
        let app = RustApp::start(express.config(), express.store(bodies)).await?;
        println!("{}", app.port());
        return std::future::pending().await;
    }
    let app: Router = bare::routes(url, which == "signed").await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}

/// An application in a process of its own.
struct Subject {
    name: &'static str,
    port: u16,
    id: u32,
    /// Ends with this value.
    _process: Option<Child>,
}

async fn start(which: &str, name: &'static str, url: &str) -> Result<Subject> {
    let mut process = Command::new(std::env::current_exe()?)
        .args(["serve", which, url])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut line = String::new();
    BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line).await?;
    let id = process.id().ok_or("it has ended")?;
    Ok(Subject { name, port: line.trim().parse()?, id, _process: Some(process) })
}

async fn compare(url: &str) -> Result {
    let settings = [("STORE", "redis"), ("URL", url), ("PREFIX", PREFIX), ("SECRETS", SECRET)];
    let node = NodeApp::start("express", &settings).await?;
    let id = node.id().ok_or("it has ended")?;
    let mut subjects = vec![Subject { name: "Express", port: node.port(), id, _process: None }];
    for (which, name) in IN_RUST {
        subjects.push(start(which, name, url).await?);
    }
    let mut cookies = Vec::new();
    for _ in 0..CONNECTIONS {
        cookies.push(begin(node.port()).await?);
    }
    println!(
        "CPU of the process per request in microseconds: the median of {TURNS} turns of {REQUESTS} requests, and in \
         brackets what Cloakroom takes of it: the median, the least and the most of the turns' ratios\n"
    );
    let head: Vec<&str> = subjects.iter().map(|subject| subject.name).collect();
    println!("| | {} |\n|---|---|---|---|---|", head.join(" | "));
    for (what, path) in [("read", "/views"), ("write", "/count")] {
        let mut turns = Vec::new();
        for turn in 0..=TURNS {
            let mut costs = Vec::new();
            for subject in &subjects {
                costs.push(cost(subject, path, &cookies).await?);
            }
            if turn > 0 {
                turns.push(costs);
            }
        }
        let columns: Vec<String> = (0..subjects.len()).map(|place| column(&turns, place)).collect();
        println!("| {what} | {} |", columns.join(" | "));
    }
    Ok(())
}

/// Writes what one application took.
fn column(turns: &[Vec<f64>], place: usize) -> String {
    let (median, _, _) = spread(turns.iter().map(|costs| costs[place]).collect());
    if place == 1 {
        return format!("{median:.1}");
    }
    let (middle, least, most) = spread(turns.iter().map(|costs| costs[1] / costs[place]).collect());
    format!("{median:.1} ({middle:.3}, {least:.3} to {most:.3})")
}

/// Returns the median, the least and the most.
fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

/// Begins a session of 1 KB, and returns its cookie.
async fn begin(port: u16) -> Result<String> {
    let mut browser = Browser::new();
    browser.text(port, "/count").await?;
    browser.text(port, &format!("/set?key=text&value=%22{}%22", "x".repeat(900))).await?;
    Ok(browser.jar().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; "))
}

/// Returns the microseconds of CPU that a request costs a process. Each connection has a session of its own.
async fn cost(subject: &Subject, path: &str, cookies: &[String]) -> Result<f64> {
    let before = cpu_of(subject.id)?;
    let mut connections = Vec::new();
    for cookie in cookies {
        let (port, path, cookie) = (subject.port, path.to_owned(), cookie.clone());
        connections.push(tokio::spawn(async move { ask(port, &path, &cookie).await }));
    }
    for connection in connections {
        connection.await??;
    }
    let took = cpu_of(subject.id)?.saturating_sub(before);
    Ok(took.as_secs_f64() * 1e6 / f64::from(REQUESTS))
}

/// Sends a share of the requests on one connection.
async fn ask(port: u16, path: &str, cookie: &str) -> Result {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
    for _ in 0..REQUESTS / CONNECTIONS {
        stream.write_all(request.as_bytes()).await?;
        let (mut length, mut line) = (0, String::new());
        stream.read_line(&mut line).await?;
        if !line.starts_with("HTTP/1.1 200") {
            return Err(format!("{path}: {line}").into());
        }
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

/// Returns the CPU time that the threads of a process have used, user and system, to the nanosecond.
fn cpu_of(pid: u32) -> Result<Duration> {
    let mut all = Duration::ZERO;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(line) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
        all += Duration::from_nanos(line.split(' ').next().unwrap_or_default().parse()?);
    }
    Ok(all)
}
