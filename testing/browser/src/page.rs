//! The playground's page, as a person sees it: the only place that knows its element ids.

use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::{By, Cookie, WebDriver};
use tokio::time::{Instant, Sleep, sleep};

use crate::{COOKIE_NAME, Result};

/// How long the page may take to show what a click or a submit led to.
const PATIENCE: Duration = Duration::from_secs(10);

/// A playground's page in one browser.
#[derive(Debug)]
pub struct Page<'a> {
    driver: &'a WebDriver,
    url: &'a str,
}

/// What a person does.
impl<'a> Page<'a> {
    pub(crate) const fn new(driver: &'a WebDriver, url: &'a str) -> Self {
        Self { driver, url }
    }

    /// Asks the server for the page, and waits until it is there.
    ///
    /// # Errors
    /// The page does not load, or is not the playground's.
    pub async fn reload(&self) -> Result {
        self.driver.goto(self.url).await?;
        self.wait_for_element("#count").await
    }

    /// Presses the counter's button.
    ///
    /// # Errors
    /// There is no such button.
    pub async fn increment(&self) -> Result {
        self.click("#increment").await
    }

    /// Leaves a flash message.
    ///
    /// # Errors
    /// There is no such form.
    pub async fn flash(&self, text: &str) -> Result {
        self.submit("#flash-form", "#flash-text", text).await
    }

    /// Logs `user` in.
    ///
    /// # Errors
    /// There is no such form.
    pub async fn log_in(&self, user: &str) -> Result {
        self.submit("#login-form", "#login-user", user).await?;
        self.wait_for_text("#user", user).await
    }

    /// Logs out.
    ///
    /// # Errors
    /// There is no such button.
    pub async fn log_out(&self) -> Result {
        self.click("#logout").await?;
        self.wait_for_text("#user", "").await
    }

    /// Submits the form that is protected against CSRF.
    ///
    /// # Errors
    /// There is no such form.
    pub async fn submit_protected(&self, text: &str) -> Result {
        self.submit("#csrf-form", "#csrf-text", text).await
    }

    /// Ends the session that `handle` names in the list of devices.
    ///
    /// # Errors
    /// The list has no such entry.
    pub async fn revoke(&self, handle: &str) -> Result {
        self.click(&format!("#devices li[data-handle=\"{handle}\"] .revoke")).await
    }

    /// Ends all sessions of this user but this one.
    ///
    /// # Errors
    /// There is no such button.
    pub async fn revoke_others(&self) -> Result {
        self.click("#revoke-others").await
    }

    /// Clicks the element that `selector` finds.
    ///
    /// # Errors
    /// There is no such element.
    pub async fn click(&self, selector: &str) -> Result {
        Ok(self.driver.find(By::Css(selector)).await?.click().await?)
    }

    async fn submit(&self, form: &str, input: &str, text: &str) -> Result {
        self.driver.find(By::Css(input)).await?.send_keys(text).await?;
        self.click(&format!("{form} [type=submit], {form} button:not([type])")).await
    }
}

/// What a person sees.
impl Page<'_> {
    /// Waits until the first element that `selector` finds has exactly this text; none at all counts as empty.
    ///
    /// # Errors
    /// It has another text after ten seconds.
    pub async fn wait_for_text(&self, selector: &str, expected: &str) -> Result {
        self.wait_for(selector, &format!("{expected:?}"), |text| text.unwrap_or_default() == expected).await
    }

    /// Waits until the first element that `selector` finds has this text in it.
    ///
    /// # Errors
    /// There is no such element, or no such text in it, after ten seconds.
    pub async fn wait_for_part(&self, selector: &str, part: &str) -> Result {
        self.wait_for(selector, &format!("{part:?}"), |text| text.is_some_and(|text| text.contains(part)))
            .await
    }

    /// Waits until the first element that `selector` finds has another text than `before`, and returns that.
    ///
    /// # Errors
    /// It has the same text after ten seconds.
    pub async fn wait_for_other(&self, selector: &str, before: &str) -> Result<String> {
        let is_other = |text: Option<&str>| text.is_some_and(|text| text != before);
        self.wait_for(selector, &format!("another text than {before:?}"), is_other).await?;
        Ok(self.text(selector).await?.unwrap_or_default())
    }

    /// Waits until there is an element that `selector` finds.
    ///
    /// # Errors
    /// The element has not appeared after ten seconds.
    pub async fn wait_for_element(&self, selector: &str) -> Result {
        self.wait_for(selector, "anything", |text| text.is_some()).await
    }

    /// Returns the text of the first element that `selector` finds, without the space around it.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn text(&self, selector: &str) -> Result<Option<String>> {
        let script = "const e = document.querySelector(arguments[0]); return e && e.textContent.trim();";
        Ok(self.run(script, [json!(selector)]).await?.as_str().map(str::to_owned))
    }

    /// Waits until the list of devices has `count` entries; answers their handles, the current one first.
    ///
    /// # Errors
    /// It has another number of entries after ten seconds, or not exactly one of them is the current one.
    pub async fn wait_for_devices(&self, count: usize) -> Result<Vec<String>> {
        let deadline = Instant::now() + PATIENCE;
        while self.handles("#devices li").await?.len() != count {
            pause(deadline, || format!("#devices has {count} entries"))?.await;
        }
        let mut handles = self.handles("#devices li.current").await?;
        if handles.len() != 1 {
            return Err(format!("{} devices are marked as the current one", handles.len()).into());
        }
        handles.extend(self.handles("#devices li:not(.current)").await?);
        Ok(handles)
    }

    async fn handles(&self, selector: &str) -> Result<Vec<String>> {
        let script = "return [...document.querySelectorAll(arguments[0])].map(e => e.dataset.handle);";
        Ok(serde_json::from_value(self.run(script, [json!(selector)]).await?)?)
    }

    async fn wait_for(&self, selector: &str, what: &str, shows: impl Fn(Option<&str>) -> bool) -> Result {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text(selector).await?;
            if shows(text.as_deref()) {
                return Ok(());
            }
            pause(deadline, || format!("{selector} shows {what}; it shows {text:?}"))?.await;
        }
    }
}

/// What only the browser sees.
impl Page<'_> {
    /// Returns the session cookie as the browser keeps it, or `None`.
    ///
    /// # Errors
    /// The browser does not answer, or keeps several cookies of that name.
    pub async fn cookie(&self) -> Result<Option<Cookie>> {
        let mut cookies = self.driver.get_all_cookies().await?;
        cookies.retain(|cookie| cookie.name == COOKIE_NAME);
        if cookies.len() > 1 {
            return Err(format!("the browser keeps {} session cookies", cookies.len()).into());
        }
        Ok(cookies.pop())
    }

    /// Puts `value` into the browser's session cookie, as a thief would.
    ///
    /// # Errors
    /// The browser refuses it.
    pub async fn set_cookie(&self, value: &str) -> Result {
        Ok(self.driver.add_cookie(Cookie::new(COOKIE_NAME, value)).await?)
    }

    /// Returns the cookies that scripts of the page see.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn cookies_seen_by_scripts(&self) -> Result<String> {
        Ok(self.run("return document.cookie;", []).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Returns the token in the protected form.
    ///
    /// # Errors
    /// The form has none.
    pub async fn csrf_token(&self) -> Result<String> {
        let token = self.run("return document.querySelector('#csrf-token').value;", []).await?;
        Ok(token.as_str().ok_or("#csrf-token has no value")?.to_owned())
    }

    /// Replaces the token in the protected form.
    ///
    /// # Errors
    /// There is no such form.
    pub async fn set_csrf_token(&self, token: &str) -> Result {
        self.run("document.querySelector('#csrf-token').value = arguments[0];", [json!(token)]).await?;
        Ok(())
    }

    /// Returns the HTTP status of the answer that the browser shows.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn status(&self) -> Result<Option<u64>> {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus;";
        Ok(self.run(script, []).await?.as_u64())
    }

    /// Lets the browser post `steps` to `/api/do` in `requests` requests at once, and answers their bodies.
    ///
    /// It does so from `/api/untouched`, and stays there: the page itself forbids its scripts to connect to anything,
    /// and this address never uses the session.
    ///
    /// # Errors
    /// One of the requests fails, or is answered with another status than 200.
    pub async fn do_at_once(&self, requests: usize, steps: Value) -> Result<Vec<Value>> {
        self.driver.goto(format!("{}/api/untouched", self.url)).await?;
        let script = "const [count, body] = arguments;
            const post = async () => {
                const response = await fetch('/api/do', {
                    method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body),
                });
                if (response.status !== 200) throw new Error('status ' + response.status);
                return response.json();
            };
            return Promise.all(Array.from({length: count}, post));";
        let answers = self.run(script, [json!(requests), json!({ "do": steps })]).await?;
        Ok(serde_json::from_value(answers)?)
    }

    /// Posts to an address of the page's server, without leaving the page.
    ///
    /// # Errors
    /// The request fails, or is answered with another status than 200.
    pub async fn post(&self, path: &str) -> Result {
        let script = "return fetch(arguments[0], {method: 'POST'}).then(answer => answer.status);";
        let status = self.run(script, [json!(path)]).await?;
        if status == json!(200) { Ok(()) } else { Err(format!("{path} answers {status}").into()) }
    }

    async fn run<const N: usize>(&self, script: &str, arguments: [Value; N]) -> Result<Value> {
        Ok(self.driver.execute(script, arguments.to_vec()).await?.json().clone())
    }
}

/// A short sleep before the next look at the page, or the error that it has been long enough.
fn pause(deadline: Instant, awaited: impl Fn() -> String) -> Result<Sleep> {
    if Instant::now() > deadline {
        return Err(format!("waited in vain until {}", awaited()).into());
    }
    Ok(sleep(Duration::from_millis(50)))
}
