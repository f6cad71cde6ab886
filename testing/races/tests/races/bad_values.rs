//! Bad input: JSON that is deep, or made to be awkward.

use cloakroom::ErrorKind;
use cloakroom_races::{Kind, Stand, races};
use cloakroom_tower::Session;
use serde_json::{Value, json};

races! {
    a_path_that_leads_too_deep_is_refused_and_changes_nothing,
    awkward_json_comes_back_as_it_went_in,
}

fn path(names: usize) -> String {
    vec!["deep"; names + 1].join(".")
}

/// A path may come from a client.
async fn a_path_that_leads_too_deep_is_refused_and_changes_nothing(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let deepest = async |session: Session| Ok(session.path(&path(127)).insert(1)?);
    guest.run(deepest).await.ok();
    for names in [128, 2_000, 100_000] {
        let deeper = async move |session: Session| {
            let path = path(names);
            let kinds = [
                session.path(&path).insert(1).unwrap_err().kind(),
                session.path(&path).push(1).unwrap_err().kind(),
                session.path(&path).increment(1).unwrap_err().kind(),
            ];
            assert_eq!(kinds, [ErrorKind::Invalid; 3]);
            assert!(!session.path(&path).contains() && !session.path(&path).remove());
            Ok(format!("{:?}", session.path(&path).get::<Value>()?))
        };
        assert_eq!(guest.run(deeper).await.ok().body, "None");
    }
    assert!(guest.read::<Value>("deep").await.unwrap().is_object(), "and what is there can be read whole");
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
}

async fn awkward_json_comes_back_as_it_went_in(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let values = json!({
        "": "an empty key",
        "a.b": {"__proto__": {"constructor": null}, "": {"": []}},
        "numbers": [0, -1, i64::MIN, u64::MAX, 1e308, 5e-324],
        "text": "\u{0}\u{7f}\u{2028}\u{fffd}\u{1f9e5}\"\\/</script>{{7*7}}${7*7}%00\r\n",
        "wide": vec![Value::Null; 5_000],
    });
    let sent = values.clone();
    let put = async move |session: Session| {
        sent.as_object().unwrap().iter().try_for_each(|(key, value)| session.insert(key, value))?;
        Ok(())
    };
    guest.run(put).await.ok();
    let look = async move |session: Session| {
        let all = session.entries::<Value>()?.into_iter().filter(|(key, _)| key != "coat");
        Ok(Value::Object(all.collect()).to_string())
    };
    let back: Value = serde_json::from_str(&guest.run(look).await.ok().body).unwrap();
    assert_eq!(back, values);
}
