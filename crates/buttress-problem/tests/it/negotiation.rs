//! `ProblemLayer` and the format that a client asks for.

use axum::{Router, body::Body, routing::get};
use buttress_problem::{Format, Problem, ProblemLayer};
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, VARY},
};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// A router that fails in every way that the layer knows.
fn app(layer: ProblemLayer) -> Router {
    let handled = async || Response::<Body>::from(Problem::new(StatusCode::CONFLICT));
    let negotiated = async |request: Request<Body>| -> Response<Body> {
        let format = Format::negotiate(request.headers());
        Problem::new(StatusCode::GONE)
            .with_header(VARY, HeaderValue::from_static("origin"))
            .into_response_as(format)
    };
    let panics = async || -> &'static str { panic!("a bug") };
    Router::new()
        .route("/ok", get(async || "fine"))
        .route("/handled", get(handled))
        .route("/negotiated", get(negotiated))
        .route("/text", get(async || (StatusCode::BAD_REQUEST, "wrong")))
        .route("/panics", get(panics))
        .layer(layer)
}

const FAILING: [&str; 5] = ["/handled", "/negotiated", "/text", "/panics", "/nowhere"];

struct Answer {
    content_type: String,
    vary: Vec<String>,
    text: String,
}

async fn ask(app: &Router, path: &str, accept: &[&str]) -> Answer {
    let mut request = Request::builder().uri(path);
    for line in accept {
        request = request.header(ACCEPT, *line);
    }
    let request = request.body(Body::empty()).unwrap();
    let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(head.headers[CONTENT_LENGTH], body.len().to_string());
    assert_eq!(head.headers.get_all(CONTENT_TYPE).iter().count(), 1);
    let vary = head.headers.get_all(VARY).iter();
    Answer {
        content_type: head.headers[CONTENT_TYPE].to_str().unwrap().to_owned(),
        vary: vary.map(|line| line.to_str().unwrap().to_owned()).collect(),
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}

#[tokio::test]
async fn json_is_what_a_client_without_wishes_gets() {
    let app = app(ProblemLayer::new().with_negotiation());
    for path in FAILING {
        for accept in [
            &[][..],
            &["*/*"],
            &["text/html"],
            &["application/*;q=0"],
            &["\"", "a/b;q=9"],
        ] {
            let answer = ask(&app, path, accept).await;
            assert_eq!(
                answer.content_type, "application/problem+json",
                "{path} {accept:?}"
            );
            assert_eq!(answer.vary.last().unwrap(), "accept");
            assert!(answer.text.starts_with('{') && answer.text.ends_with('}'));
        }
    }
}

#[tokio::test]
async fn what_is_no_problem_does_not_vary() {
    let app = app(ProblemLayer::new().with_negotiation());
    let answer = ask(&app, "/ok", &["application/problem+xml"]).await;
    assert_eq!((answer.text.as_str(), answer.vary.len()), ("fine", 0));
}

#[tokio::test]
async fn nothing_is_negotiated_unless_asked_for() {
    let app = app(ProblemLayer::new());
    for path in ["/handled", "/text", "/panics", "/nowhere"] {
        let answer = ask(&app, path, &["application/problem+xml"]).await;
        assert_eq!(answer.content_type, "application/problem+json");
        assert!(answer.vary.is_empty());
    }
}

#[cfg(feature = "xml")]
mod xml {
    use super::*;

    fn assert_is_xml(answer: &Answer, path: &str) {
        assert_eq!(answer.content_type, "application/problem+xml", "{path}");
        let document = roxmltree::Document::parse(&answer.text).unwrap();
        let instance = document
            .descendants()
            .find(|node| node.has_tag_name("instance"))
            .unwrap();
        assert_eq!(instance.text(), Some(path));
    }

    #[tokio::test]
    async fn every_problem_is_xml_for_a_client_that_prefers_it() {
        let app = app(ProblemLayer::new().with_negotiation());
        for path in FAILING {
            for accept in [
                &["application/problem+xml"][..],
                &[
                    "application/json;q=0.1",
                    "text/html",
                    "application/problem+xml;q=0.2",
                ],
            ] {
                let answer = ask(&app, path, accept).await;
                assert_is_xml(&answer, path);
                let accepts = answer.vary.iter().filter(|line| *line == "accept").count();
                assert_eq!(accepts, 1, "{:?}", answer.vary);
            }
        }
    }

    #[tokio::test]
    async fn a_handlers_own_format_stays_and_the_problem_is_completed() {
        let app = app(ProblemLayer::new());
        let answer = ask(&app, "/negotiated", &["application/problem+xml"]).await;
        assert_is_xml(&answer, "/negotiated");
        assert_eq!(answer.vary, ["origin", "accept"]);
    }
}
