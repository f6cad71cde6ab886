//! Moves an Express application to Rust, route by route: two applications, one browser, one session.
//!
//! ```console
//! $ cargo run -p cloakroom-examples --bin move-from-express
//! $ cargo run -p cloakroom-examples --bin move-from-express -- --rust /account,/login
//! ```
//!
//! `docs/moving-from-express.md` walks through it.

#![allow(clippy::print_stdout, reason = "a program of the terminal")]

mod express;
mod page;
mod proxy;
mod rust_app;

use clap::Parser;
use tokio::net::TcpListener;

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Serves an Express application and its Rust successor behind one address.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: String,

    /// The routes that have moved to Rust, with all that is below them; `none`: no route
    #[arg(long, value_name = "ROUTES", default_value = "/account", value_delimiter = ',')]
    rust: Vec<String>,

    /// Where both applications keep sessions: a folder, or `redis://HOST`
    #[arg(long, value_name = "STORE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/move-from-express"))]
    store: String,

    /// Signs the cookie, in both applications
    #[arg(long, value_name = "SECRET", default_value = "keyboard cat")]
    secret: String,
}

#[tokio::main]
async fn main() -> Result {
    let args = Args::parse();
    let express = express::Express::start(&args.store, &args.secret).await?;

    let rust = TcpListener::bind("127.0.0.1:0").await?;
    let rust_address = rust.local_addr()?;
    let rust_app = rust_app::app(&args.store, &args.secret).await?;

    let moved = args.rust.into_iter().filter(|route| route != "none").collect::<Vec<_>>();
    let proxy = proxy::proxy(express.address(), rust_address, moved.clone());
    let listener = TcpListener::bind(&args.listen).await?;

    println!("Rust has the routes {moved:?}, Express all others");
    println!("open http://{} and log in as alice, with the password wonderland", listener.local_addr()?);
    tokio::try_join!(async { axum::serve(rust, rust_app).await }, async {
        axum::serve(listener, proxy).await
    },)?;
    Ok(())
}
