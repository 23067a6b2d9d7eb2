//! What several tests need: a log to look into.

use std::{cell::RefCell, fmt, io, sync::Once};

thread_local! {
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// All that is logged on this thread while it lives.
///
/// One subscriber serves the whole process: with one for each test, what a callsite is told about
/// who is interested depends on which test comes by first.
pub(crate) struct Log(());

impl Log {
    pub(crate) fn capture() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::DEBUG)
                .with_ansi(false)
                .with_writer(|| Lines)
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        LINES.set(Some(Vec::new()));
        Self(())
    }

    pub(crate) fn text(&self) -> String {
        let lines = LINES.with_borrow(|lines| lines.clone().unwrap());
        String::from_utf8(lines).unwrap()
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        self.text().matches(text).count()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error with a text that nobody outside may read, and a cause.
#[derive(Debug)]
pub(crate) struct Secret;

pub(crate) const SECRET: &str = "postgres://u:secret@10.0.0.5";

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database is gone")
    }
}

impl std::error::Error for Secret {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&Refused)
    }
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SECRET} refused")
    }
}

impl std::error::Error for Refused {}
