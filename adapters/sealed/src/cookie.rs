//! The bytes of sealed cookies (`docs/wire.md`): the only place that knows them. It reads no clock.

use cloakroom::adapter::cookie_values;
use cloakroom_sealing::{NoRandom, PREAMBLE, TAG};
use data_encoding::BASE64URL_NOPAD;

use crate::IrrevocableConfig;
use crate::config::Settings;
use crate::contents::{Contents, MOMENTS};

/// What separates cookies from everything else that the keys seal.
const PURPOSE: &str = "cloakroom v1: cookies";

/// How the first value begins, before the number of cookies. The only version that is read.
const VERSION: u8 = b'1';

/// The most bytes of a cookie's name and value, with the `=` between: browsers keep 4,096, some of them with the attributes.
pub(crate) const PAIR: usize = 3_900;

/// The room for a value that a name must leave, of the 4,096 bytes of a cookie.
pub(crate) const LEAST_ROOM: usize = 1_200;

/// Of several cookies of one name, so many are tried.
const MOST_CANDIDATES: usize = 3;

/// What follows the cookie's name for each of the cookies.
pub(crate) const SUFFIXES: [&str; IrrevocableConfig::MOST_COOKIES as usize] = ["", ".1", ".2", ".3"];

/// Returns how many bytes of a value fit into a cookie.
fn room(name: &str) -> usize {
    PAIR.saturating_sub(name.len() + ".1".len() + 1).max(1)
}

/// Returns how many cookies values take whose JSON has this length.
pub(crate) fn cookies_of(name: &str, json: usize) -> usize {
    let sealed = PREAMBLE + MOMENTS + json + TAG;
    (2 + BASE64URL_NOPAD.encode_len(sealed)).div_ceil(room(name))
}

/// Seals contents into the values of cookies, the first one first.
pub(crate) fn seal(settings: &Settings, contents: &Contents) -> Result<Vec<String>, NoRandom> {
    let (name, plain) = (settings.cookie.name(), contents.encode());
    let count = cookies_of(name, plain.len() - MOMENTS).min(SUFFIXES.len());
    let head = [VERSION, b'0' + u8::try_from(count).unwrap_or(1)];
    let sealer = settings.keys.sealer(PURPOSE)?;
    let mut sealed = sealer.preamble().to_vec();
    sealer.seal(0, &bound_to(settings, head), &plain, &mut sealed);
    let mut text: String = head.map(char::from).iter().collect();
    BASE64URL_NOPAD.encode_append(&sealed, &mut text);
    let mut values = Vec::with_capacity(count);
    while text.len() > room(name) && values.len() + 1 < count {
        let rest = text.split_off(room(name));
        values.push(std::mem::replace(&mut text, rest));
    }
    values.push(text);
    Ok(values)
}

/// Returns all that a session is bound to, beside the purpose of its key.
fn bound_to(settings: &Settings, head: [u8; 2]) -> Vec<u8> {
    let name = settings.cookie.name();
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes();
    [&head, length.as_slice(), name.as_bytes(), settings.purpose.as_bytes()].concat()
}

/// The cookies of a request that may hold a session, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Found<'a>([Vec<&'a [u8]>; SUFFIXES.len()]);

impl<'a> Found<'a> {
    /// Reads the values of `Cookie` headers.
    pub(crate) fn read(settings: &'a Settings, headers: &[&'a [u8]]) -> Self {
        Self(settings.names.each_ref().map(|name| {
            let values = headers.iter().flat_map(|header| cookie_values(name, header));
            values.take(MOST_CANDIDATES).collect()
        }))
    }

    /// Returns which of the cookies the browser has.
    pub(crate) fn present(&self) -> [bool; SUFFIXES.len()] {
        self.0.each_ref().map(|values| !values.is_empty())
    }

    /// Opens the first session that was sealed by this application; whether it has expired is not looked at here.
    pub(crate) fn open(&self, settings: &Settings) -> Option<Contents> {
        (0..MOST_CANDIDATES).find_map(|candidate| self.open_candidate(settings, candidate))
    }

    fn open_candidate(&self, settings: &Settings, candidate: usize) -> Option<Contents> {
        let first = *self.0[0].get(candidate)?;
        let (&[version, count], _) = first.split_first_chunk::<2>()?;
        let cookies = usize::from(count.checked_sub(b'0')?);
        if version != VERSION || !(1..=usize::from(settings.max_cookies)).contains(&cookies) {
            return None;
        }
        let mut text = Vec::with_capacity(cookies * PAIR);
        for values in &self.0[..cookies] {
            let value = values.get(candidate).or(values.last())?;
            if value.len() > PAIR {
                return None;
            }
            text.extend_from_slice(value);
        }
        let sealed = BASE64URL_NOPAD.decode(&text[2..]).ok()?;
        let (preamble, sealed) = sealed.split_first_chunk::<PREAMBLE>()?;
        let bound_to = bound_to(settings, [version, count]);
        let openers = settings.keys.openers(PURPOSE, preamble);
        let plain = openers.iter().find_map(|opener| opener.open(0, &bound_to, sealed))?;
        Contents::decode(&plain)
    }
}

#[cfg(test)]
#[path = "cookie_tests.rs"]
mod tests;
