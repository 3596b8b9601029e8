//! Formats an event as one line of the log.
//!
//! Invariant: no content of an event can begin another line or pass for another field, and no line is
//! much longer than [`LINE_BYTES_MAX`].

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::escape::{CUT, Escaped, Place};

/// Bytes of one value.
const VALUE_BYTES_MAX: usize = 1 << 10;
/// Bytes of one line, all values together.
const LINE_BYTES_MAX: usize = 8 << 10;
/// What is said, in words of ours.
const MESSAGE: &str = "message";
/// How fields begin that only tell where a line of the `log` crate came from.
const ORIGIN: &str = "log.";

/// How events become lines.
#[derive(Debug)]
pub(super) struct Lines {
    /// JSON, one object a line.
    pub(super) is_json: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // Lines of the `log` crate, which libraries write to, come under a name that is not theirs.
        let normal = event.normalized_metadata();
        let metadata = normal.as_ref().unwrap_or_else(|| event.metadata());
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        if self.is_json {
            let level = metadata.level();
            let mut line = Json(format!("{{\"timestamp\":\"{time}\",\"level\":\"{level}\""));
            event.record(&mut line);
            line.text("target", format_args!("{}", metadata.target()));
            return writeln!(writer, "{}}}", line.0);
        }
        let mut line = Text {
            is_foreign: normal.is_some(),
            ..Text::default()
        };
        event.record(&mut line);
        writeln!(writer, "{time} {:>5}{}", metadata.level(), line.line)
    }
}

/// Appends a value, cut and without anything that doesn't show.
fn append(out: &mut String, value: fmt::Arguments<'_>, place: Place) {
    // An error is how the writer says that it has had enough.
    Escaped::new(out, VALUE_BYTES_MAX, place)
        .write_fmt(value)
        .ok();
}

/// `message key=value key="another value"`.
#[derive(Debug, Default)]
struct Text {
    line: String,
    /// The message of a library, which may quote untrusted content: it is quoted like a value.
    is_foreign: bool,
}

impl Text {
    fn begin(&mut self, field: &Field) -> bool {
        if field.name().starts_with(ORIGIN) {
            return false;
        }
        let is_full = self.line.len() > LINE_BYTES_MAX;
        if is_full && !self.line.ends_with(CUT) {
            self.line.push(' ');
            self.line.push(CUT);
        }
        if is_full {
            return false;
        }
        self.line.push(' ');
        if field.name() != MESSAGE {
            self.line.push_str(field.name());
            self.line.push('=');
        }
        true
    }

    fn quoted(&mut self, value: fmt::Arguments<'_>) {
        self.line.push('"');
        append(&mut self.line, value, Place::Quoted);
        self.line.push('"');
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if !self.begin(field) {
            return;
        }
        let start = self.line.len();
        let is_message = field.name() == MESSAGE && !self.is_foreign;
        append(&mut self.line, format_args!("{value:?}"), Place::Bare);
        // SECURITY: with blanks in it a value could go on as if it were the next field.
        let is_word =
            |text: &str| !text.is_empty() && !text.contains([' ', '"', '=', '\\', '\u{3000}']);
        if !is_message && !is_word(&self.line[start..]) {
            self.line.truncate(start);
            self.quoted(format_args!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.begin(field) {
            return;
        }
        if field.name() == MESSAGE {
            append(&mut self.line, format_args!("{value}"), Place::Bare);
        } else {
            self.quoted(format_args!("{value}"));
        }
    }
}

/// The beginning of an object. What numbers and switches are stays what it is.
#[derive(Debug)]
struct Json(String);

impl Json {
    fn put(&mut self, field: &Field, value: &serde_json::Value) {
        if !field.name().starts_with(ORIGIN) && self.0.len() <= LINE_BYTES_MAX {
            write!(self.0, ",\"{}\":{value}", field.name()).ok();
        }
    }

    fn text(&mut self, name: &str, value: fmt::Arguments<'_>) {
        if !name.starts_with(ORIGIN) && self.0.len() <= LINE_BYTES_MAX {
            write!(self.0, ",\"{name}\":\"").ok();
            append(&mut self.0, value, Place::Json);
            self.0.push('"');
        }
    }
}

impl Visit for Json {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value.into());
    }
}

#[cfg(test)]
mod tests;
