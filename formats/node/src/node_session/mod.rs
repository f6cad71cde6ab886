//! Bodies of node-session.

/// Returns whether node-session would take this as a session id: 40 characters of base64url.
pub fn is_session_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
