//! Progress bars, on a terminal only; into a file or a pipe they write nothing.

use indicatif::{ProgressBar, ProgressStyle};

/// Makes a bar of `length` steps, which are called `steps`; where the length is not known, one that only counts.
pub(crate) fn bar(length: Option<u64>, steps: &str) -> ProgressBar {
    let template =
        format!("[{{elapsed_precise}}] {{wide_bar}} {{pos}} of {{len}} {steps}, {{eta}} left  {{msg}}");
    let Some(length) = length else {
        let template = format!("[{{elapsed_precise}}] {{pos}} {steps}  {{msg}}");
        let style =
            ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        return ProgressBar::no_length().with_style(style);
    };
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
