//! Names that are others now: the error says the new one.

use crate::command::assert_refused;
use crate::server::Playground;

#[tokio::test]
async fn an_old_name_of_an_option_is_refused_with_the_new_one() {
    for (old, new) in [
        ("idle", "idle-timeout"),
        ("absolute", "absolute-timeout"),
        ("grace", "renewal-grace-period"),
        ("touch-after", "touch-threshold"),
        ("trust-proxy", "trust-forwarded-proto"),
    ] {
        let expected = format!("error: --{old} is called --{new} now\n");
        assert_refused(&["demo", &format!("--{old}"), "1"], &expected).await;
        assert_refused(&["demo", &format!("--{old}=1")], &expected).await;
    }
}

#[tokio::test]
async fn an_old_name_of_a_step_is_refused_with_the_new_one() {
    let playground = Playground::with(&["--store", "memory:"]).await;
    for (step, new) in
        [(r#"{"renew_id": true}"#, "`cycle_id`"), (r#"{"set_max_age": 1}"#, "`set_idle_timeout`")]
    {
        let answer = playground.client().post("/api/do", format!(r#"{{"do": [{step}]}}"#)).await;
        answer.assert_error(400, "malformed");
        let message = answer.json()["error"]["message"].take();
        assert!(message.as_str().unwrap().ends_with(&format!("is called {new} now")), "{message}");
    }
}
