//! The cookies of each package, as the engine's seam wants them.

use std::sync::Arc;

use cloakroom::RequestInfo;
use cloakroom::format::{CookieFormat, FirstMember, FoundIds, IssuedCookie};

use super::cookie_options::{CookieOptions, When, lifetime};
use crate::body::{LAST_ACCESS, is_reserved};
use crate::cookie::{Attributes, ExpressCookie, KoaCookie, NodeSessionCookie, Presented, session_id};
use crate::store::{OWN_KEY, node_session_reserves};

#[derive(Debug)]
pub(crate) struct ExpressCookies {
    pub(crate) cookie: Arc<ExpressCookie>,
    pub(crate) options: CookieOptions,
}

impl CookieFormat for ExpressCookies {
    fn cookie_name(&self) -> &str {
        self.cookie.name()
    }

    fn read(&self, headers: &mut dyn Iterator<Item = &[u8]>, found: &mut FoundIds<'_>) {
        note(self.cookie.read(headers), found);
    }

    fn new_id(&self, random: &[u8; 32]) -> String {
        session_id(&random[..24])
    }

    fn issue(&self, issued: &IssuedCookie<'_>) -> Vec<String> {
        let Some(attributes) = self.options.of_session(issued) else { return Vec::new() };
        self.cookie.write(issued.id, &attributes, millis(issued)).into_iter().collect()
    }

    fn remove(&self, _: bool) -> Vec<String> {
        // Express leaves the cookie to expire: it names no session any more.
        Vec::new()
    }

    fn covers(&self, path: &str) -> bool {
        self.options.covers(path)
    }

    fn reads_requests(&self) -> bool {
        self.options.chosen.is_some()
    }

    fn covers_request(&self, request: &RequestInfo) -> bool {
        self.options.covers_request(request)
    }

    fn first_member(&self, https: bool, request: Option<&RequestInfo>) -> FirstMember {
        self.options.first_member(https, request)
    }

    fn reserves(&self, key: &str) -> bool {
        reserves(key)
    }
}

#[derive(Debug)]
pub(crate) struct KoaCookies {
    pub(crate) cookie: Arc<KoaCookie>,
    pub(crate) options: CookieOptions,
}

impl CookieFormat for KoaCookies {
    fn cookie_name(&self) -> &str {
        self.cookie.name()
    }

    fn read(&self, headers: &mut dyn Iterator<Item = &[u8]>, found: &mut FoundIds<'_>) {
        let headers: Vec<&[u8]> = headers.collect();
        let presented = self.cookie.read(headers);
        let plain = Attributes::default();
        match &presented {
            // Signed with an older key: the signature is sent anew.
            Presented::Signed { sid, key } if *key > 0 => {
                if let Ok(header) = self.cookie.sign_again(sid, &plain) {
                    found.also_send(header);
                }
            }
            Presented::Forged => {
                if let Ok(header) = self.cookie.clear_signature(&plain) {
                    found.also_send(header);
                }
            }
            _ => {}
        }
        note(presented, found);
    }

    fn new_id(&self, random: &[u8; 32]) -> String {
        session_id(&random[..24])
    }

    fn issue(&self, issued: &IssuedCookie<'_>) -> Vec<String> {
        let Some(attributes) = self.options.of_session(issued) else { return Vec::new() };
        self.cookie.write(issued.id, &attributes, millis(issued)).map(Vec::from).unwrap_or_default()
    }

    fn remove(&self, _: bool) -> Vec<String> {
        self.cookie.clear(&self.options.attributes).map(Vec::from).unwrap_or_default()
    }

    fn covers(&self, path: &str) -> bool {
        self.options.covers(path)
    }

    fn first_member(&self, https: bool, request: Option<&RequestInfo>) -> FirstMember {
        self.options.first_member(https, request)
    }

    fn reserves(&self, key: &str) -> bool {
        reserves(key)
    }
}

#[derive(Debug)]
pub(crate) struct NodeSessionCookies {
    pub(crate) cookie: Arc<NodeSessionCookie>,
    pub(crate) attributes: Attributes,
    pub(crate) secure: When,
}

impl CookieFormat for NodeSessionCookies {
    fn cookie_name(&self) -> &str {
        self.cookie.name()
    }

    fn read(&self, headers: &mut dyn Iterator<Item = &[u8]>, found: &mut FoundIds<'_>) {
        note(self.cookie.read(headers), found);
    }

    fn new_id(&self, random: &[u8; 32]) -> String {
        session_id(&random[..30])
    }

    fn issue(&self, issued: &IssuedCookie<'_>) -> Vec<String> {
        let Some(secure) = self.secure.decide(issued.https) else { return Vec::new() };
        let attributes = Attributes {
            max_age: lifetime(issued),
            secure: secure.then_some(true),
            ..self.attributes.clone()
        };
        self.cookie.write(issued.id, &attributes, millis(issued)).into_iter().collect()
    }

    /// node-session takes every signed id, known or not: an id that has ended would go on there.
    fn remove(&self, https: bool) -> Vec<String> {
        let Some(secure) = self.secure.decide(https) else { return Vec::new() };
        let attributes =
            Attributes { max_age: Some(0), secure: secure.then_some(true), ..self.attributes.clone() };
        self.cookie.write("", &attributes, 0).into_iter().collect()
    }

    fn reserves(&self, key: &str) -> bool {
        node_session_reserves(key)
    }
}

fn note(presented: Presented, found: &mut FoundIds<'_>) {
    match presented {
        Presented::Absent => {}
        Presented::Unsigned => found.malformed(),
        Presented::Forged => found.forged(),
        Presented::Signed { sid, .. } => found.add(&sid),
    }
}

fn millis(issued: &IssuedCookie<'_>) -> i64 {
    i64::try_from(issued.now.as_millis()).unwrap_or(i64::MAX)
}

fn reserves(key: &str) -> bool {
    matches!(key, OWN_KEY | LAST_ACCESS) || is_reserved(key)
}
