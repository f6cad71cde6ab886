//! CSRF tokens: values that only the user's own pages know.

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

use super::Session;
use crate::{Error, ErrorKind, Result};

/// # CSRF
/// Every session has a secret for its forms, changed at log-in. A token is the secret under a fresh mask, so that a
/// compressed page never shows the same bytes twice (BREACH), and it is compared in constant time.
impl Session {
    /// Makes a token for a form or a header: 43 characters. The session is stored if it was not yet.
    ///
    /// Call it after a log-in in the same request, not before: a log-in changes the secret.
    ///
    /// # Errors
    /// [`Random`](ErrorKind::Random) if the operating system gives no random bytes.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// let token = session.csrf_token()?; // into a hidden field of the form
    /// assert_eq!(token.len(), 43);
    /// assert_ne!(token, session.csrf_token()?, "another mask each time; all are valid");
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn csrf_token(&self) -> Result<String> {
        let mut mask = [0; 16];
        self.0.engine().random().fill(&mut mask)?;
        self.ensure_secrets()?;
        let secret = self.with(|state| {
            state.must_exist = true;
            state.known_header().map(|header| header.csrf())
        });
        let Some(secret) = secret else {
            return Err(Error::new(ErrorKind::Contended, "the session changed while its token was made"));
        };
        let mut token = [0; 32];
        for (at, (mask, secret)) in mask.iter().zip(secret).enumerate() {
            token[at] = *mask;
            token[at + 16] = mask ^ secret;
        }
        Ok(BASE64URL_NOPAD.encode(&token))
    }

    /// Returns whether `token` was made by this session. One that was made before the last log-in was not.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// let sent = session.csrf_token()?; // comes back with the form
    /// assert!(session.verify_csrf_token(&sent));
    /// assert!(!session.verify_csrf_token("a guess"));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn verify_csrf_token(&self, token: &str) -> bool {
        let mut bytes = [0; 32];
        if token.len() != 43 || BASE64URL_NOPAD.decode_mut(token.as_bytes(), &mut bytes).is_err() {
            return false;
        }
        let Some(secret) = self.with(|state| state.known_header().map(|header| header.csrf())) else {
            return false;
        };
        let (mask, masked) = bytes.split_at(16);
        let given: [u8; 16] = std::array::from_fn(|at| mask[at] ^ masked[at]);
        given.ct_eq(&secret).into()
    }

    /// Changes the secret: tokens made before are refused from now on.
    ///
    /// # Errors
    /// [`Random`](ErrorKind::Random) if the operating system gives no random bytes.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// let before = session.csrf_token()?;
    /// session.rotate_csrf_token()?; // the user changed the password: forms that are open elsewhere are void
    /// assert!(!session.verify_csrf_token(&before));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn rotate_csrf_token(&self) -> Result<()> {
        let mut secret = [0; 16];
        self.0.engine().random().fill(&mut secret)?;
        self.with(|state| {
            state.must_exist = true;
            state.header_changes.csrf = Some(secret);
        });
        Ok(())
    }

    /// Returns the error for a request whose token is missing or wrong.
    ///
    /// # Errors
    /// [`CsrfRejected`](ErrorKind::CsrfRejected) if `token` is not one of this session's.
    ///
    /// ```
    /// # use cloakroom::{ErrorKind, Session};
    /// # let session = Session::for_test()?;
    /// fn transfer(session: &Session, token: Option<&str>) -> cloakroom::Result<()> {
    ///     session.require_csrf_token(token)?; // 403, if it is not the form of this session
    ///     session.insert("transferred", true)
    /// }
    /// let refused = transfer(&session, None).unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::CsrfRejected);
    /// let token = session.csrf_token()?;
    /// transfer(&session, Some(&token))?;
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn require_csrf_token(&self, token: Option<&str>) -> Result<()> {
        match token {
            Some(token) if self.verify_csrf_token(token) => Ok(()),
            _ => Err(Error::new(ErrorKind::CsrfRejected, "the CSRF token is missing or not of this session")),
        }
    }
}
