//! What a guarded statement did.

use std::convert::Infallible;

use buttress_preconditions::{ETag, Rejection, Written};

async fn version(version: Option<i64>) -> Result<Option<i64>, Infallible> {
    Ok(version)
}

#[derive(Debug, PartialEq)]
enum Refused {
    Missing,
    Precondition(Rejection),
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self::Precondition(rejection)
    }
}

#[tokio::test]
async fn a_row_that_is_gone_is_told_from_one_that_has_changed() {
    let missing = Written::from_rows(0, version(None)).await.unwrap();
    assert_eq!(missing, Written::Missing);
    assert_eq!(
        missing.or_missing(|| Refused::Missing),
        Err(Refused::Missing)
    );

    let failed = Written::from_rows(0, version(Some(8))).await.unwrap();
    let rejection = Rejection::failed(ETag::from_version(8));
    assert_eq!(failed, Written::Failed(rejection.clone()));
    assert_eq!(
        failed.or_missing(|| Refused::Missing),
        Err(Refused::Precondition(rejection))
    );
}

#[tokio::test]
async fn what_was_applied_is_not_looked_for_again() {
    let never = async { Err("the version was selected") };
    let applied = Written::from_rows(1, never).await.unwrap();
    assert_eq!(applied, Written::Applied);
    assert_eq!(applied.or_missing(|| Refused::Missing), Ok(()));
}

#[tokio::test]
async fn an_error_of_the_database_is_passed_on() {
    let broken = async { Err("the connection broke") };
    assert_eq!(
        Written::from_rows(0, broken).await,
        Err("the connection broke")
    );
}
