//! The session, as handlers have it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use cloakroom::adapter::{keep_private, set_cookies, value_from_json, value_to_json};
use cloakroom::{Error, Result, Timestamp};
use cloakroom_sealing::NoRandom;
use http::header::COOKIE;
use http::{Extensions, HeaderMap, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::config::Settings;
use crate::contents::Contents;
use crate::cookie::{self, Found, SUFFIXES};

/// A session that is in the client's cookies, sealed, and nowhere else: **it cannot be revoked.**
///
/// [`destroy`](Self::destroy) removes the cookies of this browser. A copy of them that was made before works until
/// the session's [end](Self::expires_at): a log-out ends nothing on the server. See
/// [when not to use it](crate#when-not-to-use-it).
///
/// Clones are the same session. Changes count until the handler has returned its response; of two requests at once, the last
/// response wins with all of its values.
///
/// ```
/// use cloakroom_sealed::{Error, IrrevocableSession};
///
/// async fn theme(session: IrrevocableSession) -> Result<String, Error> {
///     let seen: Option<String> = session.get("theme")?;
///     session.insert("theme", "dark")?;
///     Ok(format!("it was {}", seen.as_deref().unwrap_or("not chosen")))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(theme));
/// ```
#[derive(Clone)]
pub struct IrrevocableSession(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    /// Which of its cookies the browser has.
    present: [bool; SUFFIXES.len()],
    state: Mutex<State>,
}

struct State {
    contents: Contents,
    /// Whether the request brought it.
    is_new: bool,
    fate: Fate,
}

/// What the response does with the cookies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unchanged,
    Changed,
    Destroyed,
}

/// # Values
impl IrrevocableSession {
    /// Reads a value, or returns `None` if the key is absent.
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if it is not a `T`; it stays as it is.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let json = self.state().contents.values.get(key).cloned();
        json.map(|json| value_from_json(key, json.get())).transpose()
    }

    /// Reads a value, or returns `default` if the key is absent.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn get_or<T: DeserializeOwned>(&self, key: &str, default: T) -> Result<T> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// Returns whether there is a value, be it `null`.
    pub fn contains(&self, key: &str) -> bool {
        self.state().contents.values.contains_key(key)
    }

    /// Returns all keys and values, in the order of the keys.
    ///
    /// # Errors
    /// As for [`get`](Self::get), for the first value that is not a `T`.
    pub fn entries<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>> {
        let values = self.state().contents.values.clone();
        let read = |(key, json): (String, Box<RawValue>)| {
            let value = value_from_json(&key, json.get())?;
            Ok((key, value))
        };
        values.into_iter().map(read).collect()
    }

    /// Sets a value.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) as for [`cloakroom::Session::insert`]; [`TooLarge`](crate::ErrorKind::TooLarge) if
    /// the session would not fit into its [cookies](crate::IrrevocableConfig::max_cookies). Nothing is changed then.
    pub fn insert(&self, key: &str, value: impl Serialize) -> Result<()> {
        // Written by code of the application: without the lock.
        let json = value_to_json(key, &value)?;
        let json = RawValue::from_string(json)
            .map_err(|_| Error::too_large(format!("the value for {key:?} cannot be kept")))?;
        let most = usize::from(self.0.settings.max_cookies);
        let mut state = self.state();
        let before = state.contents.values.insert(key.into(), json);
        let length = Contents::json(&state.contents.values).len();
        if cookie::cookies_of(self.0.settings.cookie.name(), length) > most {
            put_back(&mut state.contents.values, key, before);
            let message = format!("with the value for {key:?} the session does not fit into {most} cookies");
            return Err(Error::too_large(message));
        }
        state.change();
        Ok(())
    }

    /// Removes a value. Returns whether there was one.
    pub fn remove(&self, key: &str) -> bool {
        let mut state = self.state();
        let existed = state.contents.values.remove(key).is_some();
        if existed {
            state.change();
        }
        existed
    }

    /// Reads a value and removes it.
    ///
    /// # Errors
    /// As for [`get`](Self::get); it then stays.
    pub fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let value = self.get(key)?;
        if value.is_some() {
            self.remove(key);
        }
        Ok(value)
    }

    /// Removes all values. The session goes on, until the end that it has.
    pub fn clear(&self) {
        let mut state = self.state();
        if !state.contents.values.is_empty() {
            state.contents.values.clear();
            state.change();
        }
    }
}

/// # The session as a whole
impl IrrevocableSession {
    /// Returns whether the request brought no session: no cookie, or one that was refused or has expired.
    pub fn is_new(&self) -> bool {
        self.state().is_new
    }

    /// Returns when it ends. No request moves this moment; [`reset`](Self::reset) begins another session.
    pub fn expires_at(&self) -> Timestamp {
        self.state().contents.expires_at
    }

    /// Begins another session, empty and with a whole lifetime: at a log-in, before its values are inserted.
    pub fn reset(&self) {
        self.begin_anew(Fate::Changed);
    }

    /// Removes all values, and the cookies from this browser. **Copies of the cookies work until their end.**
    ///
    /// What is inserted afterwards is in another session, as after [`reset`](Self::reset).
    pub fn destroy(&self) {
        self.begin_anew(Fate::Destroyed);
    }

    fn begin_anew(&self, fate: Fate) {
        // A clock may be the application's: it is read without the lock.
        let contents = self.0.settings.new_contents();
        let mut state = self.state();
        *state = State { contents, is_new: true, fate };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn change(&mut self) {
        self.fate = Fate::Changed;
    }
}

fn put_back(values: &mut BTreeMap<String, Box<RawValue>>, key: &str, before: Option<Box<RawValue>>) {
    match before {
        Some(before) => {
            values.insert(key.into(), before);
        }
        None => {
            values.remove(key);
        }
    }
}

/// The session of a request, opened when a handler first asks for it.
#[derive(Clone)]
pub(crate) struct Pending {
    settings: Arc<Settings>,
    session: Arc<OnceLock<IrrevocableSession>>,
}

impl Pending {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, session: Arc::default() }
    }

    /// Opens the session that the headers bring, or begins one.
    fn open(&self, headers: &HeaderMap) -> IrrevocableSession {
        let opened = self.session.get_or_init(|| {
            let settings = self.settings.clone();
            let headers: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
            let found = Found::read(&settings, &headers);
            let contents = found.open(&settings).filter(|contents| settings.is_alive(contents));
            let is_new = contents.is_none();
            let contents = contents.unwrap_or_else(|| settings.new_contents());
            let state = State { contents, is_new, fate: Fate::Unchanged };
            let present = found.present();
            IrrevocableSession(Arc::new(Inner { settings, present, state: Mutex::new(state) }))
        });
        opened.clone()
    }

    /// Writes into the response's headers what the browser must learn.
    pub(crate) fn finish(&self, headers: &mut HeaderMap) -> Result<(), NoRandom> {
        let Some(session) = self.session.get() else { return Ok(()) };
        let (contents, fate) = {
            let state = session.state();
            (state.contents.clone(), state.fate)
        };
        let mut cookies = match fate {
            Fate::Unchanged => {
                keep_private(headers);
                return Ok(());
            }
            Fate::Changed => session.0.sealed(&contents)?,
            Fate::Destroyed => vec![session.0.settings.cookie.remove("")],
        };
        // What is left of a larger session.
        let left = SUFFIXES.iter().zip(session.0.present).skip(cookies.len().max(1));
        let left = left.filter(|(_, is_present)| *is_present);
        let left: Vec<_> = left.map(|(suffix, _)| session.0.settings.cookie.remove(suffix)).collect();
        cookies.extend(left);
        set_cookies(headers, cookies);
        Ok(())
    }
}

impl Inner {
    fn sealed(&self, contents: &Contents) -> Result<Vec<String>, NoRandom> {
        let left = contents.expires_at.since(self.settings.clock.now());
        let max_age = self.settings.persistent.then_some(left);
        let values = cookie::seal(&self.settings, contents)?;
        let set = |(suffix, value): (&&str, String)| self.settings.cookie.set(suffix, &value, max_age);
        Ok(SUFFIXES.iter().zip(values).map(set).collect())
    }
}

impl IrrevocableSession {
    /// Returns the session of a request, for services without axum's extractors; `None` if no
    /// [`IrrevocableLayer`](crate::IrrevocableLayer) is around.
    pub fn of(headers: &HeaderMap, extensions: &Extensions) -> Option<Self> {
        extensions.get::<Pending>().map(|pending| pending.open(headers))
    }
}

impl fmt::Debug for IrrevocableSession {
    /// Shows no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("IrrevocableSession")
            .field("values", &state.contents.values.len())
            .field("is_new", &state.is_new)
            .field("expires_at", &state.contents.expires_at)
            .finish_non_exhaustive()
    }
}
