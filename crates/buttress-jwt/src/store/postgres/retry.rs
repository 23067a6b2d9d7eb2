//! What is repeated, and what is not.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Error, ErrorKind};

/// Why something did not come to its end.
pub(crate) enum Failure {
    Database(sqlx::Error),
    /// Somebody else came between two looks at a row: as if the server had said that it cannot serialize.
    Conflict,
    Other(Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Repeats what conflicts with others, for as long as the caller has patience.
pub(crate) async fn retry<T, F>(work: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Failure>>,
{
    retry_for(Duration::MAX, work).await
}

/// The same for this long.
pub(super) async fn retry_for<T, F>(patience: Duration, work: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Failure>>,
{
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let conflict = match work().await {
            Ok(done) => return Ok(done),
            Err(Failure::Other(error)) => return Err(error),
            Err(Failure::Conflict) => Error::new(
                ErrorKind::Store,
                "others changed the same rows all the time",
            ),
            Err(Failure::Database(error)) => match code(&error).as_deref() {
                // Serialization failure and deadlock.
                Some("40001" | "40P01") => Error::store(error),
                // Unique violation.
                Some("23505") => {
                    return Err(Error::new(
                        ErrorKind::InvalidSession,
                        "a session of that id is kept already",
                    )
                    .with_source(error));
                }
                _ => return Err(Error::store(error)),
            },
        };
        if begun.elapsed() >= patience {
            return Err(conflict);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    Some(code.into_owned())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_is_given_up() {
        let tries = Cell::new(0);
        let never = || {
            tries.set(tries.get() + 1);
            std::future::ready(Err::<(), _>(Failure::Conflict))
        };
        let error = retry_for(Duration::from_secs(1), never)
            .await
            .expect_err("it never ends");
        assert_eq!(error.kind(), ErrorKind::Store);
        // After 1, 2, 4 to 32 and then each 50 milliseconds.
        assert_eq!(tries.get(), 1 + 6 + 19);
        let third = || {
            tries.set(tries.get() + 1);
            std::future::ready(if tries.get() < 3 {
                Err(Failure::Conflict)
            } else {
                Ok(())
            })
        };
        tries.set(0);
        retry(third).await.expect("the third one");
    }
}
