//! Logs to standard error, as text or JSON.

mod escape;
mod line;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{LogFormat, LogSettings};
use line::Lines;

/// What is said of every forged or broken packet would be as many lines as somebody sends packets.
const QUIET: &str = "hickory_net=off,hickory_proto=off,hickory_resolver=off";

/// Starts logging. Later calls change nothing.
pub(super) fn start(settings: &LogSettings) {
    // What comes from the right replaces it: whoever wants these lines names them.
    let filter = EnvFilter::new(format!("{QUIET},{}", settings.level));
    // Whoever reads the log may go away: that is no reason to panic.
    let started = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .event_format(Lines {
            is_json: settings.format == LogFormat::Json,
        })
        .try_init();
    match started {
        Ok(()) => log_panics(),
        Err(error) => tracing::debug!(error, "logging had been started already"),
    }
}

/// SECURITY: a panic may quote what it was working on, line breaks and all: it becomes a line of the
/// log like any other. Who asks for a backtrace gets that besides.
fn log_panics() {
    let before = std::panic::take_hook();
    let wants_backtrace = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    std::panic::set_hook(Box::new(move |panic| {
        let location = panic.location().map(tracing::field::display);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(location, message = message, "panicked");
        if wants_backtrace {
            before(panic);
        }
    }));
}
