#!/usr/bin/env bash
# actix-web finishes a handler whose client is gone; axum drops it
#
# With hyper, and so with axum, a handler's future is dropped as soon as the client closes its connection: code after an
# `.await` may never run, and cleaning up belongs into destructors. One would guess the same of every asynchronous server in
# Rust, since dropping a future is how work is cancelled. actix-web does not: when a client closes its connection in the
# middle of a request, the handler's future is kept and polled to its end, and only then is the response thrown away. Code
# that was moved from one framework to the other behaves differently for users who press Stop: what was cancelled is
# carried out, and what relied on running to the end may stop half-way.
#
# Versions: axum 0.8.9, actix-web 4.18.1, tokio 1.x, HTTP/1.1.
# Needs cargo and network access to crates.io. Both servers get the same request, whose handler waits until 0.5 s after
# the client has closed its connection in the ordinary way.
#
# Output seen on 2026-11-30:
#   axum: dropped before its end
#   actix-web: ran to its end
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"
[dependencies]
actix-web = { version = "=4.18.1", default-features = false }
axum = { version = "=0.8.9", default-features = false, features = ["http1", "tokio"] }
tokio = { version = "1", features = ["full"] }
TOML
cat > src/main.rs <<'RUST'
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Says, when it is dropped, whether the handler came to its end.
struct Handler(UnboundedSender<bool>, bool);

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

async fn handle(said: UnboundedSender<bool>) -> &'static str {
    let mut handler = Handler(said, false);
    tokio::time::sleep(Duration::from_secs(1)).await;
    handler.1 = true;
    "done"
}

async fn leave_early(address: std::net::SocketAddr) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(stream);
}

#[tokio::main]
async fn main() {
    let words = |ended| if ended { "ran to its end" } else { "dropped before its end" };

    let (say, mut heard) = unbounded_channel();
    let app = axum::Router::new().route("/", axum::routing::get(move || handle(say.clone())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    leave_early(address).await;
    println!("axum: {}", words(heard.recv().await.unwrap()));

    let (say, mut heard) = unbounded_channel();
    let server = actix_web::HttpServer::new(move || {
        let say = say.clone();
        actix_web::App::new().route("/", actix_web::web::get().to(move || handle(say.clone())))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    leave_early(address).await;
    println!("actix-web: {}", words(heard.recv().await.unwrap()));
}
RUST
CARGO_TARGET_DIR="$folder/target" cargo run --quiet > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
axum: dropped before its end
actix-web: ran to its end
SEEN
