//! A fresh headless Chromium behind a chromedriver of its own.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use thirtyfour::{ChromiumLikeCapabilities, DesiredCapabilities, WebDriver};

use crate::{HOW_TO_RUN, Page, Pair, PairPage, Playground, Result, process::Process};

/// No window; no sandbox, because CI is root in a container; no `/dev/shm`, because a container's is too small; and
/// hosts of [`DOMAIN`](crate::DOMAIN) are on this machine.
const SWITCHES: [&str; 4] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP *.cloakroom.test 127.0.0.1",
];

/// A browser that belongs to one test, with no cookies. Dropping it closes it.
#[derive(Debug)]
pub struct Browser {
    /// Closes Chromium when it is dropped, so it stands before the process that it asks to do so.
    driver: WebDriver,
    _chromedriver: Process,
    /// Chromium's profile, for which chromedriver would need longer to clean up than it lives.
    _folder: TempDir,
}

impl Browser {
    /// Starts a browser of its own for one test, or for one of a test's people.
    ///
    /// # Errors
    /// chromedriver or Chromium is missing or does not start.
    pub async fn start() -> Result<Self> {
        let folder = TempDir::new()?;
        let (chromedriver, port) = start_chromedriver(folder.path())?;
        let mut capabilities = DesiredCapabilities::chrome();
        for switch in SWITCHES {
            capabilities.add_arg(switch)?;
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities)
            .await
            .map_err(|error| format!("chromedriver runs but Chromium does not: {error}. {HOW_TO_RUN}"))?;
        Ok(Self { driver, _chromedriver: chromedriver, _folder: folder })
    }

    /// Opens the page of another server.
    ///
    /// # Errors
    /// The page does not load, or has no counter.
    pub async fn visit<'a>(&'a self, url: &'a str) -> Result<Page<'a>> {
        let page = Page::new(&self.driver, url);
        page.reload().await?;
        Ok(page)
    }

    /// Returns the page that the browser shows.
    pub const fn shown(&self) -> Page<'_> {
        Page::new(&self.driver, "")
    }

    /// Goes back, as by the button.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn back(&self) -> Result {
        Ok(self.driver.back().await?)
    }

    /// Begins a walk through the pages of a pair of applications.
    pub fn walk<'a>(&'a self, pair: &'a Pair) -> PairPage<'a> {
        PairPage::new(&self.driver, pair)
    }

    /// Opens the playground's page.
    ///
    /// # Errors
    /// The page does not load.
    pub async fn open<'a>(&'a self, playground: &'a Playground) -> Result<Page<'a>> {
        self.visit(playground.url()).await
    }
}

/// Tries three times: on a busy machine about one start in some hundreds ends before chromedriver is ready.
fn start_chromedriver(folder: &Path) -> Result<(Process, String)> {
    let start = || {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("TMPDIR", folder).stderr(Stdio::null());
        Process::start(&mut command, port_in)
    };
    let started = start().or_else(|_| start()).or_else(|_| start());
    started.map_err(|error| format!("{error}. {HOW_TO_RUN}").into())
}

/// chromedriver says "`ChromeDriver was started successfully on port 41234.`"
fn port_in(line: &str) -> Option<String> {
    let port = line.split_once("started successfully on port ")?.1;
    Some(port.trim().trim_end_matches('.').to_owned())
}
