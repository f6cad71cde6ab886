//! Walks through the example `move-from-express` as a browser does: what `docs/moving-from-express.md` says is what happens.

#![allow(clippy::print_stderr, reason = "a test says that it is skipped")]

mod browser;
mod guide;
mod own_store;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use browser::{Browser, Page};

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// How far a team can have come: no route, one, the log-in too, all.
const STAGES: [&str; 4] = ["none", "/account", "/account,/login", "/"];

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];

/// The example, with these routes in Rust.
struct Example {
    process: Child,
    address: String,
    lines: Vec<String>,
    rust: Vec<String>,
}

impl Example {
    fn start(store: &str, rust: &str) -> Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_move-from-express"))
            .args(["--listen", "127.0.0.1:0", "--store", store, "--rust", rust])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut lines = Vec::new();
        for line in BufReader::new(output).lines() {
            lines.push(line?);
            let address = lines.last().and_then(|line| line.strip_prefix("open http://"));
            if let Some(address) = address.and_then(|rest| rest.split(' ').next()) {
                let (address, rust) = (address.to_owned(), rust.split(',').map(str::to_owned).collect());
                return Ok(Self { process, address, lines, rust });
            }
        }
        Err("the example does not start".into())
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.address)
    }

    /// Fails unless the page comes from the application that has its route.
    #[track_caller]
    fn has_sent(&self, page: &Page) {
        let is_rust = self.rust.iter().any(|route| route == "/" || page.path.starts_with(route));
        page.shows(if is_rust { "comes from <b>Rust</b>" } else { "comes from <b>Express</b>" });
    }

    /// Gets a page, from the application that has its route.
    fn get(&self, browser: &mut Browser, path: &str) -> Result<Page> {
        let page = browser.get(path)?;
        self.has_sent(&page);
        Ok(page)
    }

    /// Logs alice in from the home page; returns the page that follows.
    fn log_in(&self, browser: &mut Browser) -> Result<Page> {
        let home = self.get(browser, "/")?;
        let page = browser.submit(&home, "/login", &ALICE)?;
        self.has_sent(&page);
        Ok(page)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn text(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("the folder's name is not Unicode")?)
}

/// What the guide lets its reader do, on any store and with any routes in Rust.
fn walk(store: &str, rust: &str) -> Result {
    let example = Example::start(store, rust)?;
    for log_out in ["/logout", "/account/logout"] {
        let mut browser = example.browser();
        let home = example.get(&mut browser, "/")?;
        home.shows("You are not logged in.");
        home.shows("Visit 1.");
        assert_eq!(browser.get("/account")?.path, "/", "a guest has no account");

        let failed = browser.submit(&home, "/login", &[("username", "alice"), ("password", "guess")])?;
        failed.shows("Wrong name or password.");
        failed.shows("You are not logged in.");

        let account = browser.submit(&failed, "/login", &ALICE)?;
        example.has_sent(&account);
        assert_eq!(account.path, "/account");
        account.shows("You are logged in as alice.");
        account.shows("Visit 4.");
        let home = example.get(&mut browser, "/")?;
        home.shows("You are logged in as alice.");
        home.shows("Visit 5.");

        // The token of one side, the form of the other; the message and the note are shown by either.
        let home = browser.submit(&home, "/account/note", &[("note", "green <coat>")])?;
        home.shows("Your note is kept.");
        home.shows("green &");
        assert!(!home.text.contains("<coat>"), "a note is escaped");
        let account = example.get(&mut browser, "/account")?;
        account.shows("green &");
        assert!(!account.text.contains("Your note is kept."), "a message is shown once");

        let thief = browser.clone();
        let out = browser.submit(&account, log_out, &[])?;
        example.has_sent(&out);
        out.shows("You are not logged in.");
        out.shows("Visit 1.");
        for path in ["/", "/account"] {
            thief.clone().get(path)?.shows("You are not logged in.");
        }
    }
    Ok(())
}

#[test]
fn the_guide_can_be_walked_through_whichever_routes_are_in_rust() -> Result {
    for rust in STAGES {
        let folder = tempfile::tempdir()?;
        walk(text(folder.path())?, rust).map_err(|error| format!("{rust}: {error}"))?;
    }
    Ok(())
}

#[test]
fn the_guide_can_be_walked_through_with_redis() -> Result {
    match std::env::var("CLOAKROOM_TEST_REDIS") {
        Ok(url) => walk(&url, "/account"),
        Err(_) => {
            eprintln!("SKIPPED: CLOAKROOM_TEST_REDIS names no server");
            Ok(())
        }
    }
}

#[test]
fn a_route_that_moves_or_moves_back_logs_no_user_out() -> Result {
    let folder = tempfile::tempdir()?;
    let store = text(folder.path())?;
    let mut browser = None;
    for (visits, rust) in ["none", "/account", "/", "/account", "none"].into_iter().enumerate() {
        let example = Example::start(store, rust)?;
        let mut visitor = match browser.take() {
            Some(visitor) => Browser::at(visitor, &example.address),
            None => {
                let mut visitor = example.browser();
                example.log_in(&mut visitor)?.shows("Visit 2.");
                visitor
            }
        };
        let account = example.get(&mut visitor, "/account")?;
        account.shows("You are logged in as alice.");
        account.shows(&format!("Visit {}.", visits + 3));
        browser = Some(visitor);
    }
    Ok(())
}

#[test]
fn a_form_with_a_wrong_token_is_refused_by_both() -> Result {
    for rust in STAGES {
        let folder = tempfile::tempdir()?;
        let example = Example::start(text(folder.path())?, rust)?;
        let mut browser = example.browser();
        example.log_in(&mut browser)?;
        let mut stranger = example.browser();
        let other = example.get(&mut stranger, "/")?;
        for action in ["/account/note", "/logout", "/account/logout"] {
            for token in ["", "wrong", other.token("/login")?] {
                let refused = browser.submit_with_token(action, token, &[("note", "x")])?;
                assert_eq!(refused.status, 403, "{rust} {action} {token}");
            }
        }
        let refused = browser.submit_with_token("/login", "wrong", &ALICE)?;
        assert_eq!(refused.status, 403, "{rust}");
        example.get(&mut browser, "/account")?.shows("You are logged in as alice.");
    }
    Ok(())
}
