//! Captures everything that is logged in this process.

use std::fmt::{Debug, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Everything that was logged since the first call of [`Heard::everything`], at every level.
#[derive(Debug)]
pub struct Heard(Mutex<String>);

static HEARD: OnceLock<&'static Heard> = OnceLock::new();

impl Heard {
    /// Listens from now on; the same ears each time.
    pub fn everything() -> &'static Self {
        HEARD.get_or_init(|| {
            let heard: &'static Self = Box::leak(Box::new(Self(Mutex::default())));
            tracing::subscriber::set_global_default(Ears(heard)).expect("no other subscriber is set");
            heard
        })
    }

    /// Returns what was logged so far.
    pub fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    }
}

struct Ears(&'static Heard);

/// Writes every field with all that its `Debug` shows, and the sources of errors too.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:#?}", field.name());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut error = Some(value);
        while let Some(found) = error {
            let _ = write!(self.0, " {}={found} {found:#?}", field.name());
            error = found.source();
        }
    }
}

impl Subscriber for Ears {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(span.metadata().name().to_owned());
        span.record(&mut line);
        self.0.note(&line.0);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        self.0.note(&line.0);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.note(&line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
