//! Measures increments of one session that meet, each a request of its own:
//!
//! ```console
//! $ cargo xtask services run --only redis -- cargo run --release -p cloakroom-redis --example contention -- [seconds]
//! ```
//!
//! First by one task, which waits for each response; then by 64 tasks at once, in one process and in three.
//! Afterwards the session is read: each increment that was answered with success is in it exactly once.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person to read")]

use std::process::{Command, Stdio};
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
        ["once", cookie, tasks, millis] => {
            let span = Duration::from_millis(millis.parse().unwrap());
            let Made { latencies, failed } = increment(cookie, tasks.parse().unwrap(), span).await;
            let micros: Vec<_> = latencies.iter().map(|latency| latency.as_micros().to_string()).collect();
            println!("{failed} {}", micros.join(" "));
        }
        ref others => report(others.first().map_or(5, |seconds| seconds.parse().unwrap())).await,
    }
}

async fn report(seconds: u32) {
    let span = Duration::from_secs(seconds.into());
    println!("processes  tasks  increments/s  of one task's        p50        p99    longest  failed");
    let mut alone = None;
    for (processes, tasks) in [(1, 1), (1, AT_ONCE), (3, AT_ONCE)] {
        let cookie = begin().await;
        let made = spread(&cookie, processes, tasks, span);
        let counted: usize = ask("/read", &cookie).await.1.parse().unwrap();
        assert!(
            counted >= made.latencies.len() && counted <= made.latencies.len() + made.failed,
            "{counted}"
        );
        #[expect(clippy::cast_precision_loss, reason = "a count of thousands")]
        let rate = made.latencies.len() as f64 / span.as_secs_f64();
        let ratio = rate / *alone.get_or_insert(rate);
        let at = |part: usize| made.latencies[(made.latencies.len() - 1) * part / 100];
        print!("{processes:9} {tasks:6} {rate:13.0} {ratio:14.2}");
        println!(" {:10.1?} {:10.1?} {:10.1?} {:7}", at(50), at(99), at(100), made.failed);
    }
}

/// What was answered: how long each success took, sorted, and how many were none.
struct Made {
    latencies: Vec<Duration>,
    failed: usize,
}

/// Shares the tasks out among so many processes.
fn spread(cookie: &str, processes: usize, tasks: usize, span: Duration) -> Made {
    let start = |process: usize| {
        let share = (tasks + process) / processes;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["once", cookie, &share.to_string(), &span.as_millis().to_string()]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<_> = (0..processes).map(start).collect();
    let mut made = Made { latencies: Vec::new(), failed: 0 };
    for process in started {
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut numbers = text.split_whitespace().map(|number| number.parse::<u64>().unwrap());
        made.failed += usize::try_from(numbers.next().unwrap()).unwrap();
        made.latencies.extend(numbers.map(Duration::from_micros));
    }
    made.latencies.sort_unstable();
    made
}

async fn increment(cookie: &str, tasks: usize, span: Duration) -> Made {
    let app = app().await;
    let tasks = (0..tasks).map(|_| tokio::spawn(keep_incrementing(app.clone(), cookie.to_owned(), span)));
    let mut made = Made { latencies: Vec::new(), failed: 0 };
    for task in tasks.collect::<Vec<_>>() {
        let of_task = task.await.unwrap();
        made.latencies.extend(of_task.latencies);
        made.failed += of_task.failed;
    }
    made
}

async fn keep_incrementing(app: Router, cookie: String, span: Duration) -> Made {
    let mut made = Made { latencies: Vec::new(), failed: 0 };
    let begin = Instant::now();
    while begin.elapsed() < span {
        let asked = Instant::now();
        if send(&app, "/increment", &cookie).await.status() == StatusCode::OK {
            made.latencies.push(asked.elapsed());
        } else {
            made.failed += 1;
        }
    }
    made
}

async fn app() -> Router {
    let store = RedisStore::open(&Service::Redis.shared()).await.unwrap();
    Router::new()
        .route("/increment", get(async |session: Session| count(&session, 1)))
        .route("/read", get(async |session: Session| count(&session, 0)))
        .layer(SessionLayer::configured(store, Config::plain_http()).unwrap())
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
    let layer = SessionLayer::configured(store, Config::plain_http()).unwrap();
    let response = send(&Router::new().route("/", get(begin)).layer(layer), "/", "").await;
    response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn ask(path: &str, cookie: &str) -> (StatusCode, String) {
    let response = send(&app().await, path, cookie).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
