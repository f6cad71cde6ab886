//! The transcript of the project's front page is what really happens.

use crate::server::{Playground, SQLITE};

/// A command of the transcript and what it printed.
struct Typed {
    path: String,
    body: String,
    printed: String,
}

fn transcript() -> Vec<Typed> {
    let page = include_str!("../../../README.md");
    let mut lines = page.lines();
    let mut typed = Vec::new();
    while let Some(line) = lines.next() {
        let Some((_, rest)) = line.split_once("$ curl -c jar -b jar http://127.0.0.1:3000") else { continue };
        // The program of the front page is another one.
        let Some((path, body)) = rest.split_once(" -d '") else { continue };
        let printed = lines.next().unwrap().to_owned();
        typed.push(Typed { path: path.into(), body: body.trim_end_matches('\'').into(), printed });
    }
    typed
}

/// Handles are random.
fn without_handle(text: &str) -> String {
    match text.split_once("\"handle\":\"") {
        None => text.to_owned(),
        Some((before, after)) => format!("{before}{}", after.split_once('"').unwrap().1),
    }
}

#[test]
fn f37_documents_start_the_playground_by_its_command() {
    for (name, page) in [
        ("README.md", include_str!("../../../README.md")),
        ("CONTRIBUTING.md", include_str!("../../../CONTRIBUTING.md")),
        ("cli/README.md", include_str!("../../README.md")),
    ] {
        for (_, rest) in page.match_indices("cargo run").map(|(at, found)| page.split_at(at + found.len())) {
            let names_something =
                [" -- ", " -p ", " --release", " --example"].iter().any(|next| rest.starts_with(next));
            assert!(names_something, "{name}: cargo run{}", rest.lines().next().unwrap_or_default());
        }
        assert!(name == "CONTRIBUTING.md" || page.contains("$ cargo run -- demo"), "{name}");
    }
}

#[tokio::test]
async fn the_readmes_transcript_works_as_printed() {
    let playground = Playground::on(SQLITE).await;
    let client = playground.client();
    let transcript = transcript();
    assert_eq!(transcript.len(), 3);
    for typed in transcript {
        let answer = client.post(&typed.path, typed.body).await;
        assert_eq!(without_handle(answer.body.trim()), without_handle(&typed.printed));
    }
}
