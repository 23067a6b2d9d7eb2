//! What caused a problem is logged once, whoever does it.

use buttress_problem::Problem;
use bytes::Bytes;
use http::{Response, StatusCode};

use crate::support::{Log, SECRET, Secret};

fn failed() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR).with_source(Secret)
}

#[test]
fn a_problem_that_never_became_an_answer_is_not_logged() {
    let log = Log::capture();
    drop(failed());
    assert_eq!(log.text(), "");
}

#[test]
fn without_a_layer_the_dropped_answer_logs_its_cause_once() {
    let log = Log::capture();
    let response = Response::<Bytes>::from(failed());
    let copy = response.extensions().clone();
    assert!(!String::from_utf8_lossy(response.body()).contains("secret"));
    drop(response);
    assert_eq!(log.text(), "", "a copy is still there");
    drop(copy);
    assert_eq!(log.count(SECRET), 1, "{}", log.text());
    assert!(log.text().contains("ERROR"), "{}", log.text());
}

#[test]
fn the_cause_of_a_client_error_is_no_error_of_ours() {
    let log = Log::capture();
    let problem = Problem::new(StatusCode::CONFLICT).with_source(Secret);
    drop(Response::<Bytes>::from(problem));
    assert_eq!(log.count(SECRET), 1);
    assert!(!log.text().contains("ERROR"), "{}", log.text());
}

#[test]
fn a_chain_says_nothing_twice() {
    #[derive(Debug, thiserror::Error)]
    #[error("while ordering: {0}")]
    struct Outer(#[from] Secret);

    let log = Log::capture();
    let problem = Problem::new(StatusCode::BAD_GATEWAY).with_source(Outer(Secret));
    drop(Response::<Bytes>::from(problem));
    assert_eq!(log.count("the database is gone"), 1, "{}", log.text());
    assert_eq!(log.count(SECRET), 1, "{}", log.text());
}

#[test]
fn a_display_that_panics_ends_nothing() {
    #[derive(Debug, thiserror::Error)]
    #[error("{}", no_text())]
    struct Broken;

    fn no_text() -> &'static str {
        panic!("no text for you")
    }

    let log = Log::capture();
    let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR).with_source(Broken);
    drop(Response::<Bytes>::from(problem));
    assert_eq!(log.count("Display panicked"), 1, "{}", log.text());

    // In the destructor of a thread that is unwinding, too, where a second panic would abort.
    let thread = std::thread::spawn(|| {
        let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR).with_source(Broken);
        let _response = Response::<Bytes>::from(problem);
        panic!("unwinding");
    });
    assert!(thread.join().is_err());
}

#[test]
fn an_error_that_is_its_own_source_is_told_to_an_end() {
    #[derive(Debug)]
    struct Circle;

    impl std::fmt::Display for Circle {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("round and round")
        }
    }

    impl std::error::Error for Circle {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&Self)
        }
    }

    let log = Log::capture();
    let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR).with_source(Circle);
    drop(Response::<Bytes>::from(problem));
    assert_eq!(log.count("round and round: …"), 1, "{}", log.text());
}
