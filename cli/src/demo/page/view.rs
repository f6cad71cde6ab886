//! Draws the page.

use maud::{Markup, html};

use super::home::{Device, Home};
use super::words::about;

pub(super) fn home(home: &Home) -> Markup {
    html! {
        header {
            h1 { "Cloakroom" }
            p {
                "You hand in your coat, you get a ticket, you come back with the ticket. Everything below is a plain form: one "
                "request each, and no script."
            }
        }
        main {
            @if let Some(notice) = &home.notice {
                p #notice role="status" { (notice) }
            }
            (ticket(home))
            div.columns {
                div { (counter(home)) (values(home)) (flash(home)) }
                div { (user(home)) (devices(home)) (csrf(home)) }
            }
            (curl(home))
        }
    }
}

/// Returns a form with its token. Every form of the page is made here.
fn form(home: &Home, id: Option<&str>, action: &str, content: &Markup) -> Markup {
    let token_id = (id == Some("csrf-form")).then_some("csrf-token");
    html! {
        form id=[id] method="post" action={ "/page/" (action) } {
            input id=[token_id] type="hidden" name="csrf" value=(home.token);
            (content)
        }
    }
}

fn ticket(home: &Home) -> Markup {
    html! {
        section.ticket aria-label="Your session" {
            div {
                p.label { "Your session" }
                p.handle #handle { (home.handle) }
                p.hint {
                    "Ends in " (about(home.expires_in)) " unless you come back. "
                    @if home.is_new { "It is new: the forms below need a token, and the token needs a session. " }
                    "Above is its public name; the cookie " code { (home.cookie_name) }
                    " holds the secret one, and the store keeps only a hash of that."
                }
            }
            div.stub {
                (form(home, None, "renew", &html! {
                    button #renew title="The same session under a new id; requests under way still arrive." { "Renew the id" }
                }))
                (form(home, None, "reset", &html! {
                    button #reset title="This session ends, and an empty one begins." { "Start over" }
                }))
            }
        }
    }
}

fn card(title: &str, hint: &str, content: &Markup) -> Markup {
    html! {
        section.card {
            h2 { (title) }
            p.hint { (hint) }
            (content)
        }
    }
}

fn counter(home: &Home) -> Markup {
    let hint = "Every press is one request that adds one. Press in two tabs at once: all of them count.";
    card(
        "Counter",
        hint,
        &html! {
            div.row {
                output.count #count { (home.count) }
                (form(home, None, "increment", &html! { button.primary #increment { "Add one" } }))
            }
        },
    )
}

fn values(home: &Home) -> Markup {
    let hint = "Whatever JSON can say, kept on the server under a key. Values from other requests are merged, not overwritten.";
    card(
        "Values",
        hint,
        &html! {
            dl #values {
                @for (key, value) in &home.values {
                    div {
                        dt { (key) }
                        dd { code { (value) } }
                        (form(home, None, "remove", &html! {
                            input type="hidden" name="key" value=(key);
                            button.quiet aria-label={ "Remove " (key) } { "Remove" }
                        }))
                    }
                }
            }
            @if home.values.is_empty() { p.empty { "Nothing in the pockets yet." } }
            (form(home, Some("value-form"), "insert", &html! {
                input name="key" placeholder="key" aria-label="Key" required maxlength="200" autocomplete="off";
                input name="value" placeholder="text" aria-label="Value" maxlength="10000" autocomplete="off";
                button { "Insert" }
            }))
        },
    )
}

fn flash(home: &Home) -> Markup {
    let hint = "A message for the next page only: it appears once, and when you reload it is gone.";
    card(
        "Flash message",
        hint,
        &html! {
            @if let Some(flash) = &home.flash { p.said #flash role="status" { (flash) } }
            (form(home, Some("flash-form"), "flash", &html! {
                input #flash-text name="text" placeholder="message" aria-label="Message" required maxlength="10000" autocomplete="off";
                button { "Flash" }
            }))
        },
    )
}

fn user(home: &Home) -> Markup {
    let hint = "Any name will do; there is no password here. Logging in gives you a new id and kills the old one at once, so \
        that an attacker who planted it on you does not get in.";
    card(
        "Log in",
        hint,
        &html! {
            div.row {
                span {
                    @if home.user.is_some() { "You are " } @else { "You are not logged in." }
                    strong #user { (home.user.as_deref().unwrap_or_default()) }
                }
                @if home.user.is_some() {
                    (form(home, None, "log-out", &html! { button #logout { "Log out" } }))
                }
            }
            (form(home, Some("login-form"), "log-in", &html! {
                input #login-user name="user" placeholder="name" aria-label="Name" required maxlength="200" autocomplete="off";
                button { "Log in" }
            }))
        },
    )
}

fn devices(home: &Home) -> Markup {
    let hint = "Every browser in which you are logged in, each by its session's public name. Ending one works at once, even for \
        requests that are under way there.";
    card(
        "Your devices",
        hint,
        &html! {
            ul #devices { @for device in &home.devices { (one_device(home, device)) } }
            @if home.user.is_some() && home.devices.is_empty() {
                p.empty { "This store cannot find the sessions of a user: packages of Node keep no index of them." }
            } @else if home.user.is_some() {
                (form(home, None, "revoke-others", &html! { button #revoke-others { "Log out all others" } }))
            } @else {
                p.empty { "Log in, in two browsers, and both are listed here." }
            }
        },
    )
}

fn one_device(home: &Home, device: &Device) -> Markup {
    html! {
        li class=[device.current.then_some("current")] data-handle=(device.handle) {
            div {
                strong { (device.name) }
                @if device.current { " " span.badge { "this one" } }
                p.hint {
                    "Logged in " (about(device.since)) " ago, seen " (about(device.seen)) " ago · "
                    code { (device.handle) }
                }
            }
            (form(home, None, "revoke", &html! {
                input type="hidden" name="handle" value=(device.handle);
                button.quiet.revoke aria-label={ "Log out " (device.name) } { "Log out" }
            }))
        }
    }
}

fn csrf(home: &Home) -> Markup {
    let hint = "Every form here carries a token that only your own pages know. Change it in the developer tools, and the server \
        says no.";
    card(
        "A form that no other site can send",
        hint,
        &html! {
            @if let Some(text) = &home.csrf_text {
                p.said role="status" { "You sent " strong #csrf-result { (text) } }
            }
            (form(home, Some("csrf-form"), "csrf", &html! {
                input #csrf-text name="text" placeholder="text" aria-label="Text" required maxlength="10000" autocomplete="off";
                button { "Send" }
            }))
        },
    )
}

fn curl(home: &Home) -> Markup {
    let script = r#"{"do": [{"increment": ["count", 1]}]}"#;
    html! {
        footer {
            p { "The same from a terminal; the cookie is kept in the file " code { "jar" } ":" }
            pre { code { "curl -c jar -b jar http://" (home.host) "/api/do -d '" (script) "'" } }
        }
    }
}
