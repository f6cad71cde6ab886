//! What pairs with Express can do, whatever their store.

use cloakroom_node_oracle::{Browser, Result};

use crate::scenarios::{
    Pair, a_new_id_on_either_side_goes_on, an_end_on_either_side_is_one_on_the_other, counts_on,
    values_of_every_kind_pass,
};

/// What is done to the bodies of a pair behind the back of both.
pub(crate) trait Bodies {
    /// Returns the body under an id, if there is one.
    async fn body(&self, id: &str) -> Result<Option<String>>;

    /// Writes a body as Node does, for a day.
    async fn write(&self, id: &str, body: &str) -> Result;
}

pub(crate) async fn sessions_are_shared(pair: &Pair) -> Result {
    counts_on(pair).await?;
    values_of_every_kind_pass(pair).await?;
    an_end_on_either_side_is_one_on_the_other(pair).await?;
    a_new_id_on_either_side_goes_on(pair).await
}

/// The pair's cookies have a `maxAge`.
pub(crate) async fn a_lifetime_is_shared(pair: &Pair) -> Result {
    counts_on(pair).await?;
    let mut browser = Browser::new();
    for port in [pair.rust.port(), pair.node.port()] {
        let answer = browser.get(port, "/count").await?;
        assert!(answer.set_cookies[0].contains("; Expires="), "{:?}", answer.set_cookies);
    }
    Ok(())
}

/// The pair uses Passport.
pub(crate) async fn log_ins_and_log_outs_are_shared(pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/login?user=7").await?;
        for port in [first, second] {
            assert_eq!(browser.text(port, "/user").await?, "7", "node begins: {node_begins}");
        }
        let copy = browser.clone();
        browser.text(second, "/logout").await?;
        for port in [first, second] {
            assert_eq!(copy.clone().text(port, "/user").await?, "", "node begins: {node_begins}");
        }
    }
    Ok(())
}

/// The pair uses connect-flash and csurf.
pub(crate) async fn flash_messages_and_csrf_tokens_are_shared(pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/flash?type=info&text=one").await?;
        browser.text(second, "/flash?type=info&text=two").await?;
        assert_eq!(browser.text(second, "/flashes?type=info").await?, r#"["one","two"]"#);
        assert_eq!(browser.text(first, "/flashes?type=info").await?, "[]");

        let token = browser.text(first, "/token").await?;
        let accepted = browser.post(second, "/form", &format!("CSRF-Token: {token}")).await?;
        assert_eq!((accepted.status, &*accepted.body), (200, "accepted"), "node begins: {node_begins}");
        let refused = browser.post(second, "/form", "CSRF-Token: abc-def").await?;
        assert_eq!(refused.status, 403);
    }
    Ok(())
}

/// Node reads, and Rust writes in parallel: no write is lost.
pub(crate) async fn no_write_of_ours_is_lost_while_node_reads(pair: &Pair) -> Result {
    let mut browser = Browser::new();
    browser.text(pair.node.port(), "/count").await?;
    let mut requests = Vec::new();
    for number in 0..400 {
        let (mut browser, rust, node) = (browser.clone(), pair.rust.port(), pair.node.port());
        requests.push(tokio::spawn(async move {
            if number % 4 == 0 {
                browser.text(node, "/views").await
            } else {
                browser.text(rust, "/count").await
            }
        }));
        if number % 16 == 15 {
            for request in requests.drain(..) {
                request.await??;
            }
        }
    }
    assert_eq!(browser.text(pair.node.port(), "/views").await?, "301");
    assert_eq!(browser.text(pair.rust.port(), "/views").await?, "301");
    Ok(())
}

/// A session that ended here stays ended for us, although Node writes it back.
pub(crate) async fn what_node_writes_back_after_a_log_out_is_not_a_session_for_us(
    pair: &Pair,
    bodies: &impl Bodies,
) -> Result {
    for node_begins in [true, false] {
        let mut browser = Browser::new();
        browser.text(pair.from(node_begins).0, "/count").await?;
        let id = browser.text(pair.rust.port(), "/id").await?;
        let copy = browser.clone();
        let body = bodies.body(&id).await?.ok_or("there is no body")?;
        browser.text(pair.rust.port(), "/destroy").await?;
        assert_eq!(bodies.body(&id).await?, None, "the session has ended for Node too");
        // What a request of Node that was under way does at its end.
        bodies.write(&id, &body).await?;
        assert_eq!(copy.clone().text(pair.rust.port(), "/views").await?, "0");
        assert_eq!(bodies.body(&id).await?, None, "the body is removed when it is read, for Node too");
    }
    Ok(())
}
