//! Measures increments of one session that meet, each a request of its own:
//!
//! ```console
//! $ cargo xtask services run --only redis -- cargo run --release -p cloakroom-redis --example contention -- [each]
//! ```
//!
//! First by one task, which waits for each response; then by 64 tasks at once, in one process and in three. Each of the 64
//! makes so many (50 unless said), and the one makes all of theirs: a task that is starved has its share in the figures.
//! Afterwards the session is read: each increment that was answered with success is in it exactly once.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person to read")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _, stdin};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use cloakroom_redis::RedisStore;
use cloakroom_services::Service;
use cloakroom_tower::{Config, Session, SessionError, SessionLayer};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

const AT_ONCE: usize = 64;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // How this program is called by itself.
        ["once", cookie, tasks, each] => work(cookie, tasks.parse().unwrap(), each.parse().unwrap()).await,
        ref others => report(others.first().map_or(50, |each| each.parse().unwrap())).await,
    }
}

async fn report(each: usize) {
    println!("processes  tasks  increments/s  of one task's        p50        p99    longest  failed");
    let mut alone = None;
    for (processes, tasks, each) in [(1, 1, each * AT_ONCE), (1, AT_ONCE, each), (3, AT_ONCE, each)] {
        let cookie = begin().await;
        let made = spread(&cookie, processes, tasks, each);
        let counted: usize = ask("/read", &cookie).await.1.parse().unwrap();
        let answered = made.latencies.len() - made.failed;
        assert!(
            (answered..=made.latencies.len()).contains(&counted),
            "{answered} answered, {counted} counted"
        );
        #[expect(clippy::cast_precision_loss, reason = "a count of thousands")]
        let rate = answered as f64 / made.took.as_secs_f64();
        let ratio = rate / *alone.get_or_insert(rate);
        let at = |part: usize| made.latencies[(made.latencies.len() - 1) * part / 100];
        print!("{processes:9} {tasks:6} {rate:13.0} {ratio:14.2}");
        println!(" {:10.1?} {:10.1?} {:10.1?} {:7}", at(50), at(99), at(100), made.failed);
    }
}

/// What was answered: how long each answer took, sorted, how many were no success, and how long all took.
#[derive(Default)]
struct Made {
    latencies: Vec<Duration>,
    failed: usize,
    took: Duration,
}

/// Shares the tasks out among so many processes, which begin when all are ready.
fn spread(cookie: &str, processes: usize, tasks: usize, each: usize) -> Made {
    let mut started: Vec<_> =
        (0..processes).map(|process| start(cookie, (tasks + process) / processes, each)).collect();
    let begin = Instant::now();
    for process in &mut started {
        process.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let mut made = Made::default();
    for process in started {
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut numbers = text.split_whitespace().map(|number| number.parse::<u64>().unwrap());
        made.failed += usize::try_from(numbers.next().unwrap()).unwrap();
        made.latencies.extend(numbers.map(Duration::from_micros));
    }
    made.took = begin.elapsed();
    made.latencies.sort_unstable();
    made
}

/// Starts a process, and waits until it has its connection.
fn start(cookie: &str, tasks: usize, each: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["once", cookie, &tasks.to_string(), &each.to_string()]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 1];
    process.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    process
}

/// Is one of the processes.
async fn work(cookie: &str, tasks: usize, each: usize) {
    let app = app().await;
    assert_eq!(send(&app, "/read", cookie).await.status(), StatusCode::OK);
    println!();
    BufReader::new(stdin()).read_line(&mut String::new()).unwrap();
    let working = (0..tasks).map(|_| tokio::spawn(increment(app.clone(), cookie.to_owned(), each)));
    let (mut failed, mut micros) = (0, Vec::new());
    for task in working.collect::<Vec<_>>() {
        let (failed_here, latencies) = task.await.unwrap();
        failed += failed_here;
        micros.extend(latencies.into_iter().map(|latency| latency.as_micros().to_string()));
    }
    println!("{failed} {}", micros.join(" "));
}

async fn increment(app: Router, cookie: String, times: usize) -> (usize, Vec<Duration>) {
    let (mut failed, mut latencies) = (0, Vec::new());
    for _ in 0..times {
        let asked = Instant::now();
        failed += usize::from(send(&app, "/increment", &cookie).await.status() != StatusCode::OK);
        latencies.push(asked.elapsed());
    }
    (failed, latencies)
}

async fn app() -> Router {
    let store = RedisStore::open(&Service::Redis.shared()).await.unwrap();
    Router::new()
        .route("/increment", get(async |session: Session| count(&session, 1)))
        .route("/read", get(async |session: Session| count(&session, 0)))
        .layer(SessionLayer::with_config(store, Config::plain_http()).unwrap())
}

fn count(session: &Session, more: i64) -> Result<String, SessionError> {
    if more == 0 {
        return Ok(session.get::<u64>("count")?.unwrap_or_default().to_string());
    }
    Ok(session.increment("count", more)?.to_string())
}

async fn send(app: &Router, path: &str, cookie: &str) -> Response<Body> {
    let request = Request::builder().uri(path).header(COOKIE, cookie).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

/// Begins a session, and sets its count to 0.
async fn begin() -> String {
    let store = RedisStore::open(&Service::Redis.shared()).await.unwrap();
    let begin = async |session: Session| session.insert("count", 0).map_err(SessionError::from);
    let layer = SessionLayer::with_config(store, Config::plain_http()).unwrap();
    let response = send(&Router::new().route("/", get(begin)).layer(layer), "/", "").await;
    response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn ask(path: &str, cookie: &str) -> (StatusCode, String) {
    let response = send(&app().await, path, cookie).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
