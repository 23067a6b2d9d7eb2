//! Log lines, on stderr.

use std::{
    io::{self, IsTerminal},
    panic,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Sends what is traced from here on to stderr; stdout is for what was asked for. `RUST_LOG` says
/// how much, and `info` it is without.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        LogFormat::Pretty => lines.with_ansi(io::stderr().is_terminal()).init(),
        // The list of spans has the ids of the request on each line, however deep it was written.
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .init(),
    } // The default hook writes lines of another format, which know no request.
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or_default();
        tracing::error!(location, message, "panicked");
    }));
}
