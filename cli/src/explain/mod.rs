//! Shows which package made a cookie, whether its signature is valid, and what its session holds.

mod body;
mod cookie;
mod folder;

use std::io::Write;

use clap::Args;

use crate::trouble::Trouble;

/// The options of `cloakroom explain`.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// A `Cookie` header, or a part of one: `connect.sid=s%3A…`
    #[arg(value_name = "COOKIE", allow_hyphen_values = true)]
    cookie: String,

    /// A secret that may have signed it; several times for several secrets, the newest first
    #[arg(long = "secret", value_name = "SECRET", allow_hyphen_values = true)]
    secrets: Vec<String>,

    /// Where the Node application keeps the bodies: `file:DIR`, `redis://HOST?prefix=sess:`, …
    #[arg(long, value_name = "URL")]
    store: Option<String>,

    /// Also shows the values of the session, which may be secret
    #[arg(long)]
    show_values: bool,
}

/// Explains every cookie that may be one of a session.
pub(crate) async fn run(args: ExplainArgs) -> Result<(), Trouble> {
    let found = cookie::explain(&args.cookie, &args.secrets);
    if found.is_empty() {
        return Err(Trouble::failure("this is not a session cookie: no pair `name=value` looks like one"));
    }
    let mut text = String::new();
    for explained in &found {
        text.push_str(&explained.to_string());
        if let (Some(url), Some(id)) = (&args.store, &explained.id) {
            let shown = body::Shown { secrets: &args.secrets, values: args.show_values };
            text.push_str(&body::look(url, id, explained.keeper, &shown).await?);
        }
    }
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Trouble::failure("nothing can be written").because(&error))
}
