//! An Express application and a Rust application behind one port: the example `move-from-express`.

use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use thirtyfour::{By, Cookie, WebDriver};
use tokio::time::{Instant, sleep};

use crate::{Result, playground::built, process::Process};

/// The cookie of both applications.
const COOKIE: &str = "connect.sid";

/// How long a page may take to show what a click led to.
const PATIENCE: Duration = Duration::from_secs(10);

/// Both applications, and the proxy in front of them. `/account` comes from Rust. Dropping it ends them.
#[derive(Debug)]
pub struct Pair {
    url: String,
    _process: Process,
    _store: TempDir,
}

impl Pair {
    /// Starts a pair of its own for one test.
    ///
    /// # Errors
    /// The example is not built, or does not say within 30 seconds where it listens: Node or its packages may be missing.
    pub fn start() -> Result<Self> {
        let store = TempDir::new()?;
        let mut command = Command::new(built("move-from-express")?);
        command.args(["--listen", "127.0.0.1:0", "--store"]).arg(store.path());
        let (process, url) = Process::start(&mut command, |line| {
            let rest = line.strip_prefix("open ")?;
            rest.split(' ').next().map(str::to_owned)
        })?;
        Ok(Self { url, _process: process, _store: store })
    }
}

/// The page of a pair that a browser shows, whichever application it comes from.
#[derive(Debug)]
pub struct PairPage<'a> {
    driver: &'a WebDriver,
    pair: &'a Pair,
}

impl<'a> PairPage<'a> {
    pub(crate) const fn new(driver: &'a WebDriver, pair: &'a Pair) -> Self {
        Self { driver, pair }
    }

    /// Asks for a page, and waits until it comes from this application and shows this text.
    ///
    /// # Errors
    /// The page is another one after ten seconds.
    pub async fn goto(&self, path: &str, from: &str, shows: &str) -> Result {
        self.driver.goto(format!("{}{path}", self.pair.url)).await?;
        self.wait_for(from, shows).await
    }

    /// Waits until the page comes from this application and shows this text.
    ///
    /// # Errors
    /// The page is another one after ten seconds.
    pub async fn wait_for(&self, from: &str, shows: &str) -> Result {
        let (deadline, from) = (Instant::now() + PATIENCE, format!("This page comes from {from}."));
        loop {
            let text = self.driver.find(By::Css("body")).await?.text().await?;
            if text.contains(&from) && text.contains(shows) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{from} {shows} was due; the page shows {text:?}").into());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes into a field.
    ///
    /// # Errors
    /// There is no such field.
    pub async fn write(&self, name: &str, text: &str) -> Result {
        let field = self.driver.find(By::Css(format!("input[name={name}]"))).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Sends the form of this action.
    ///
    /// # Errors
    /// There is no such form.
    pub async fn send(&self, action: &str) -> Result {
        Ok(self.driver.find(By::Css(format!("form[action=\"{action}\"] button"))).await?.click().await?)
    }

    /// Returns the session's cookie as the browser keeps it.
    ///
    /// # Errors
    /// The browser does not answer, or has no such cookie.
    pub async fn cookie(&self) -> Result<Cookie> {
        Ok(self.driver.get_named_cookie(COOKIE).await?)
    }

    /// Puts a cookie in the place of the session's, as a thief would.
    ///
    /// # Errors
    /// The browser refuses it.
    pub async fn set_cookie(&self, value: &str) -> Result {
        Ok(self.driver.add_cookie(Cookie::new(COOKIE, value)).await?)
    }
}
