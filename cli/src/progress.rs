//! Progress bars, on the terminal of whoever looks; into a file or a pipe they write nothing.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `length` steps, which are called `steps`.
pub(crate) fn bar(length: u64, steps: &str) -> ProgressBar {
    let template =
        format!("[{{elapsed_precise}}] {{wide_bar}} {{pos}} of {{len}} {steps}, {{eta}} left  {{msg}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
