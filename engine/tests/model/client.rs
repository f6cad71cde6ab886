//! The browser: one cookie jar for all requests.

/// What a response said about the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Nothing,
    Set(String),
    Removed,
}

impl Told {
    /// Reads a `Set-Cookie` header of ours.
    pub(crate) fn read(header: Option<&str>) -> Self {
        let Some(header) = header else { return Self::Nothing };
        let (_, rest) = header.split_once('=').expect("a cookie is a pair");
        let (value, attributes) = rest.split_once(';').expect("our cookies have attributes");
        if value.is_empty() {
            assert!(attributes.contains("Max-Age=0"), "an empty cookie is a removal: {header}");
            return Self::Removed;
        }
        Self::Set(value.to_owned())
    }
}

/// The cookie that the browser holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(pub(crate) Option<String>);

impl Jar {
    pub(crate) fn take_in(&mut self, told: &Told) {
        match told {
            Told::Nothing => {}
            Told::Set(id) => self.0 = Some(id.clone()),
            Told::Removed => self.0 = None,
        }
    }
}
