//! The page, as a browser without scripts uses it.

use serde_json::json;

use crate::client::{Answer, Client};
use crate::server::{MEMORY, Playground, on_every_store};

on_every_store![
    the_counter_counts,
    values_are_inserted_shown_and_removed,
    a_flash_message_appears_once,
    logging_in_and_out_is_seen,
    devices_are_listed_and_revoked,
    a_form_with_its_token_is_accepted_and_one_without_is_403,
    renewing_and_resetting_say_so,
];

/// The text of the element with this id, or `None` if it is not there.
fn text(html: &str, id: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("id=\"{id}\""))?;
    let (_, rest) = rest.split_once('>')?;
    Some(rest.split('<').next()?.to_owned())
}

fn value(html: &str, id: &str) -> String {
    let (_, rest) = html.split_once(&format!("id=\"{id}\"")).unwrap();
    let (_, rest) = rest.split_once("value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn page(client: &Client) -> String {
    let answer = client.get("/").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Sends a form of the page and follows the redirect.
async fn submit(client: &Client, action: &str, fields: &str) -> String {
    let token = value(&page(client).await, "csrf-token");
    let answer = client.submit(&format!("/page/{action}"), &format!("csrf={token}&{fields}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")), "{answer:?}");
    page(client).await
}

async fn the_counter_counts(playground: &Playground) {
    let client = playground.client();
    assert_eq!(text(&page(&client).await, "count").as_deref(), Some("0"));
    assert_eq!(text(&submit(&client, "increment", "").await, "count").as_deref(), Some("1"));
    assert_eq!(text(&submit(&client, "increment", "").await, "count").as_deref(), Some("2"));
}

async fn values_are_inserted_shown_and_removed(playground: &Playground) {
    let client = playground.client();
    let html = submit(&client, "insert", "key=%3Cb%3E&value=%22coat%22+%26+hat").await;
    assert!(html.contains("<dt>&lt;b&gt;</dt>"), "{html}");
    assert!(html.contains(r"&quot;\&quot;coat\&quot; &amp; hat&quot;"), "{html}");
    let html = submit(&client, "remove", "key=%3Cb%3E").await;
    assert!(!html.contains("<dt>"), "{html}");
}

async fn a_flash_message_appears_once(playground: &Playground) {
    let client = playground.client();
    let html = submit(&client, "flash", "text=%3Cscript%3Ehello").await;
    assert_eq!(text(&html, "flash").as_deref(), Some("&lt;script&gt;hello"));
    assert_eq!(text(&page(&client).await, "flash"), None);
}

async fn logging_in_and_out_is_seen(playground: &Playground) {
    let client = playground.client();
    assert_eq!(text(&page(&client).await, "user").as_deref(), Some(""));
    submit(&client, "increment", "").await;
    let before = client.cookie();
    let html = submit(&client, "log-in", "user=alice").await;
    assert_eq!((text(&html, "user").as_deref(), text(&html, "count").as_deref()), (Some("alice"), Some("1")));
    assert_ne!(client.cookie(), before);
    let html = submit(&client, "log-out", "").await;
    assert_eq!((text(&html, "user").as_deref(), text(&html, "count").as_deref()), (Some(""), Some("0")));
}

async fn devices_are_listed_and_revoked(playground: &Playground) {
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let (here, there) = (playground.client().header("user-agent", FIREFOX), playground.client());
    submit(&here, "log-in", "user=alice").await;
    submit(&there, "log-in", "user=alice").await;
    let html = page(&here).await;
    let handle = |html: &str, mark: &str| {
        let item =
            html.split("<li ").skip(1).find(|item| item.starts_with("class=\"current\"") == (mark == "own"));
        item.unwrap().split_once("data-handle=\"").unwrap().1.split('"').next().unwrap().to_owned()
    };
    assert_eq!(html.matches("<li ").count(), 2, "{html}");
    assert!(html.contains("Firefox on Linux"), "{html}");
    let html = submit(&here, "revoke", &format!("handle={}", handle(&html, "other"))).await;
    assert_eq!(html.matches("<li ").count(), 1, "{html}");
    assert_eq!(there.session().await["exists"], false);
    submit(&there, "log-in", "user=alice").await;
    let html = submit(&here, "revoke-others", "").await;
    assert!(text(&html, "notice").unwrap().starts_with("One other device"), "{html}");
    let html = submit(&here, "revoke", &format!("handle={}", handle(&html, "own"))).await;
    assert_eq!(text(&html, "user").as_deref(), Some(""), "revoking one's own is a log-out");
}

async fn a_form_with_its_token_is_accepted_and_one_without_is_403(playground: &Playground) {
    let client = playground.client();
    let html = submit(&client, "csrf", "text=it+was+me").await;
    assert_eq!(text(&html, "csrf-result").as_deref(), Some("it was me"));
    assert_eq!(text(&page(&client).await, "csrf-result"), None);
    let stranger = client.stranger();
    let foreign = value(&page(&stranger).await, "csrf-token");
    let actions = [
        "increment",
        "insert",
        "remove",
        "flash",
        "log-in",
        "log-out",
        "renew",
        "reset",
        "revoke",
        "revoke-others",
        "csrf",
    ];
    for action in actions {
        for fields in ["user=x&key=k&text=t".to_owned(), format!("csrf={foreign}&user=x&key=k&text=t")] {
            assert_forbidden(&client.submit(&format!("/page/{action}"), &fields).await);
        }
    }
    assert_eq!(client.session().await["data"], json!({}));
}

fn assert_forbidden(answer: &Answer) {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(text(&answer.body, "error").unwrap().contains("token"), "{answer:?}");
    assert_eq!(answer.header("set-cookie"), None);
}

async fn renewing_and_resetting_say_so(playground: &Playground) {
    let client = playground.client();
    submit(&client, "increment", "").await;
    let (id, handle) = (client.cookie(), text(&page(&client).await, "handle"));
    let html = submit(&client, "renew", "").await;
    assert!(text(&html, "notice").unwrap().contains("fresh id"), "{html}");
    assert_eq!((text(&html, "count").as_deref(), text(&html, "handle")), (Some("1"), handle.clone()));
    assert_ne!(client.cookie(), id);
    let html = submit(&client, "reset", "").await;
    assert!(text(&html, "notice").unwrap().contains("new, empty"), "{html}");
    assert_eq!(text(&html, "count").as_deref(), Some("0"));
    assert_ne!(text(&html, "handle"), handle);
}

#[tokio::test]
async fn the_page_allows_nothing_but_its_own_style_and_forms() {
    let playground = Playground::on(MEMORY).await;
    let answer = playground.client().get("/").await;
    let policy = answer.header("content-security-policy").unwrap();
    for rule in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    let nonce = policy.split_once("'nonce-").unwrap().1.split('\'').next().unwrap();
    assert!(answer.body.contains(&format!("<style nonce=\"{nonce}\">")));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache, no-store"));
    assert!(!answer.body.contains("<script") && !answer.body.contains(" style="));
    let again = playground.client().get("/").await;
    assert_ne!(again.header("content-security-policy"), Some(policy), "a nonce is used once");
}

#[tokio::test]
async fn every_element_that_scripts_of_testers_look_for_is_there() {
    let playground = Playground::on(MEMORY).await;
    let client = playground.client();
    client.run(json!([{"log_in": "alice"}])).await;
    let html = page(&client).await;
    for id in [
        "count",
        "increment",
        "values",
        "flash-form",
        "flash-text",
        "login-form",
        "login-user",
        "user",
        "logout",
        "devices",
        "revoke-others",
        "csrf-form",
        "csrf-token",
        "csrf-text",
    ] {
        assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
    assert!(html.contains("<li class=\"current\" data-handle=\""), "{html}");
    assert!(html.contains("class=\"quiet revoke\""), "{html}");
}
