//! The page of the Rust application; `page.js` is the same for Express.

use maud::{DOCTYPE, Markup, html};

/// What a page shows.
pub(crate) struct Page {
    pub(crate) title: &'static str,
    pub(crate) visits: i64,
    pub(crate) note: String,
    pub(crate) messages: Vec<String>,
    pub(crate) user: Option<&'static str>,
    pub(crate) token: String,
}

impl Page {
    pub(crate) fn into_html(self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head { meta charset="utf-8"; title { (self.title) } }
                body {
                    h1 { (self.title) }
                    p { "This page comes from " b { "Rust" } ". Visit " (self.visits) "." }
                    @for message in &self.messages { p role="status" { (message) } }
                    @match self.user {
                        Some(user) => p { "You are logged in as " (user) "." },
                        None => p { "You are not logged in." },
                    }
                    @if self.user.is_some() { (self.account()) } @else { (self.log_in()) }
                    p { a href="/" { "Home" } " " a href="/account" { "Account" } }
                }
            }
        }
    }

    fn form(&self, action: &str, inside: &Markup) -> Markup {
        html! {
            form method="post" action=(action) {
                input type="hidden" name="_csrf" value=(self.token);
                (inside)
            }
        }
    }

    fn log_in(&self) -> Markup {
        let inside = html! {
            "Name " input name="username" value="alice";
            " Password " input name="password" type="password";
            " " button { "Log in" }
        };
        self.form("/login", &inside)
    }

    fn account(&self) -> Markup {
        let note = html! { "Note " input name="note" value=(self.note); " " button { "Keep" } };
        html! {
            (self.form("/account/note", &note))
            (self.form("/logout", &html! { button { "Log out at /logout" } }))
            (self.form("/account/logout", &html! { button { "Log out at /account/logout" } }))
        }
    }
}
