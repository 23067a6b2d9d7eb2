//! What `ProblemLayer` does with bodies: nothing is lost, nothing is waited for.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use buttress_problem::ProblemLayer;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt};

use crate::support::{Log, SECRET};

/// A body that does what it is told.
#[derive(Clone, Debug, Default)]
struct Script {
    steps: VecDeque<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Data(&'static [u8]),
    Trailers,
    Fail,
    /// Not ready once, and woken at once.
    Pause,
    /// Never ready again, and never woken.
    Hang,
}

use Step::{Data, Fail, Hang, Pause, Trailers};

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(match self.steps.pop_front() {
            Some(Data(bytes)) => Some(Ok(Frame::data(Bytes::from_static(bytes)))),
            Some(Trailers) => Some(Ok(Frame::trailers(HeaderMap::from_iter([(
                header::ETAG,
                "\"t\"".parse().unwrap(),
            )])))),
            Some(Fail) => Some(Err("the body broke")),
            Some(Pause) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Hang) => {
                self.steps.push_front(Hang);
                return Poll::Pending;
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }
}

type Answer = Response<buttress_problem::ResponseBody<Script>>;

async fn through(layer: ProblemLayer, response: http::response::Builder, steps: &[Step]) -> Answer {
    let body = Script {
        steps: steps.iter().cloned().collect(),
    };
    let mut response = Some(response.body(body).unwrap());
    let inner = tower::service_fn(move |_: Request<()>| {
        let response = response.take().unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    let request = Request::get("/path").body(()).unwrap();
    layer.layer(inner).oneshot(request).await.unwrap()
}

fn text(status: u16) -> http::response::Builder {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
}

fn is_problem(response: &Answer) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == "application/problem+json")
}

async fn bytes(response: Answer) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

async fn detail(response: Answer) -> Option<String> {
    assert!(is_problem(&response), "{response:?}");
    let document: serde_json::Value = serde_json::from_slice(&bytes(response).await).unwrap();
    Some(document.get("detail")?.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_is_no_bad_answer_passes_untouched() {
    let steps = [Data(b"one"), Pause, Data(b"two"), Trailers];
    for (status, content_type) in [
        (101, ""),
        (200, "text/plain"),
        (204, ""),
        (302, "text/plain"),
        (304, ""),
        (400, "application/json"),
        (400, "application/problem+json"),
        (400, "Application/Problem+JSON; charset=utf-8"),
        (400, "application/problem+xml"),
        (404, "text/html"),
        (404, "text/event-stream"),
        (500, "application/json"),
        (500, "text/event-stream"),
        (503, "application/grpc"),
        (503, "application/grpc-web+proto"),
        (599, "image/png"),
        (600, "text/plain"),
    ] {
        let mut response = Response::builder()
            .status(status)
            .header(header::ETAG, "\"e\"")
            .header(header::CONTENT_LENGTH, "6");
        if !content_type.is_empty() {
            response = response.header(header::CONTENT_TYPE, content_type);
        }
        let before = response.headers_ref().unwrap().clone();
        let answer = through(ProblemLayer::new(), response, &steps).await;
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(*answer.headers(), before, "{status} {content_type}");
        let body = answer.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()[header::ETAG], "\"t\"");
        assert_eq!(body.to_bytes(), "onetwo", "{status} {content_type}");
    }
}

#[tokio::test]
async fn answers_to_head_keep_the_headers_of_the_answer_to_get() {
    let inner = tower::service_fn(async |_: Request<()>| {
        text(404)
            .header(header::CONTENT_LENGTH, "17")
            .body(Script::default())
    });
    let request = Request::head("/").body(()).unwrap();
    let answer = ProblemLayer::new().layer(inner).oneshot(request).await;
    let answer = answer.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_LENGTH], "17");
    assert!(answer.body().is_end_stream());
}

#[tokio::test]
async fn headers_that_still_hold_stay_and_those_of_the_body_go() {
    let kept = [
        (header::WWW_AUTHENTICATE, "Bearer"),
        (header::WWW_AUTHENTICATE, "Basic"),
        (header::ALLOW, "GET"),
        (header::RETRY_AFTER, "3"),
        (header::SET_COOKIE, "a=1"),
        (header::SET_COOKIE, "b=2"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "https://a.example"),
        (header::VARY, "Origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_RANGE, "bytes */9"),
        (header::UPGRADE, "h2c"),
    ];
    let gone = [
        ("content-encoding", "gzip"),
        ("content-language", "en"),
        ("content-length", "9"),
        ("etag", "\"e\""),
        ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("content-md5", "x"),
        ("content-digest", "x"),
        ("repr-digest", "x"),
        ("digest", "x"),
        ("transfer-encoding", "chunked"),
        ("trailer", "etag"),
        ("content-disposition", "attachment; filename=a.pdf"),
        ("content-location", "/a.pdf"),
    ];
    let mut response = Response::builder().status(503);
    for (name, value) in &kept {
        response = response.header(name, *value);
    }
    for (name, value) in gone {
        response = response.header(name, value);
    }
    let answer = through(ProblemLayer::new(), response, &[]).await;
    for (name, value) in kept {
        let values = answer.headers().get_all(&name);
        assert!(values.iter().any(|own| own == value), "{name}: {value}");
    }
    for (name, _) in gone.iter().filter(|(name, _)| *name != "content-length") {
        assert!(!answer.headers().contains_key(*name), "{name}");
    }
    let length = answer.headers()[header::CONTENT_LENGTH].clone();
    let body = bytes(answer).await;
    assert_eq!(length.to_str().unwrap(), body.len().to_string());
}

#[tokio::test]
async fn a_text_that_is_there_becomes_the_detail() {
    let answer = through(
        ProblemLayer::new(),
        text(400),
        &[Data(b"no "), Data(b"way")],
    )
    .await;
    assert_eq!(detail(answer).await.as_deref(), Some("no way"));
    let bare = Response::builder().status(400);
    let answer = through(ProblemLayer::new(), bare, &[Data(b"no type")]).await;
    assert_eq!(detail(answer).await.as_deref(), Some("no type"));
    let answer = through(ProblemLayer::new(), text(400), &[Data(b" \n")]).await;
    assert_eq!(detail(answer).await, None);
}

#[tokio::test]
async fn a_clients_error_that_cannot_be_a_detail_loses_nothing() {
    let layer = || ProblemLayer::new().with_max_text(8);
    for (steps, expected) in [
        (
            &[Data(b"12345"), Data(b"6789"), Data(b"0")][..],
            &b"1234567890"[..],
        ),
        (&[Data(b"1"), Pause, Data(b"2")], b"12"),
        (&[Pause, Data(b"2")], b"2"),
        (&[Data(b"\xff"), Data(b"2")], b"\xff2"),
    ] {
        let steps: Vec<_> = steps.iter().cloned().chain([Trailers]).collect();
        let answer = through(layer(), text(400), &steps).await;
        assert!(!is_problem(&answer), "{steps:?}");
        let body = answer.into_body().collect().await.unwrap();
        assert!(body.trailers().is_some(), "{steps:?}");
        assert_eq!(body.to_bytes(), expected, "{steps:?}");
    }
    // At the limit it is a detail still.
    let answer = through(layer(), text(400), &[Data(b"12345678")]).await;
    assert_eq!(detail(answer).await.as_deref(), Some("12345678"));
    // An encoded text cannot be read.
    let encoded = text(400).header(header::CONTENT_ENCODING, "gzip");
    let answer = through(layer(), encoded, &[Data(b"zip")]).await;
    assert!(!is_problem(&answer));
    assert_eq!(bytes(answer).await, "zip");
}

#[tokio::test]
async fn a_servers_error_is_replaced_whatever_its_text_does() {
    let secret: &'static [u8] = SECRET.as_bytes();
    for steps in [
        vec![Data(secret)],
        vec![Data(secret), Data(&[b'x'; 5000])],
        vec![Data(secret), Hang],
        vec![Hang],
        vec![Data(b"\xff"), Data(secret)],
        vec![Data(secret), Fail],
        vec![Data(b""); 1000],
    ] {
        let log = Log::capture();
        let answer = through(ProblemLayer::new(), text(500), &steps).await;
        assert!(is_problem(&answer), "{steps:?}");
        let body = bytes(answer).await;
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
        assert_eq!(log.count("request failed"), 1, "{}", log.text());
    }
    // What frameworks call bytes that nobody gave a type.
    let untyped = Response::builder()
        .status(500)
        .header(header::CONTENT_TYPE, "application/octet-stream");
    let answer = through(ProblemLayer::new(), untyped, &[Data(secret)]).await;
    assert!(is_problem(&answer));
    let encoded = text(500).header(header::CONTENT_ENCODING, "gzip");
    let answer = through(ProblemLayer::new(), encoded, &[Data(b"zip")]).await;
    assert!(is_problem(&answer));
    assert!(!answer.headers().contains_key(header::CONTENT_ENCODING));
}

#[tokio::test]
async fn a_text_that_breaks_off_is_a_problem_without_detail() {
    let answer = through(ProblemLayer::new(), text(400), &[Data(b"half"), Fail]).await;
    assert_eq!(detail(answer).await, None);
}

#[tokio::test]
async fn a_body_that_was_looked_into_still_knows_its_size() {
    let layer = ProblemLayer::new().with_max_text(2);
    let answer = through(layer, text(400), &[Data(b"123"), Data(b"4")]).await;
    let hint = answer.body().size_hint();
    assert_eq!((hint.lower(), hint.upper()), (3, None));
    assert!(!answer.body().is_end_stream());
}

/// Says in one of the two ways only that it is empty.
struct Empty {
    ends: bool,
}

impl Body for Empty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.ends
    }

    fn size_hint(&self) -> SizeHint {
        match self.ends {
            true => SizeHint::new(),
            false => SizeHint::with_exact(0),
        }
    }
}

#[tokio::test]
async fn an_empty_body_is_known_in_either_way() {
    for ends in [true, false] {
        let inner = tower::service_fn(move |_: Request<()>| async move {
            let response = Response::builder()
                .status(404)
                .header(header::CONTENT_TYPE, "text/html")
                .body(Empty { ends });
            Ok::<_, Infallible>(response.unwrap())
        });
        let request = Request::new(());
        let answer = ProblemLayer::new().layer(inner).oneshot(request).await;
        let headers = answer.unwrap().into_parts().0.headers;
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    }
}

#[tokio::test]
async fn a_body_that_was_read_to_its_end_has_not_ended_before_it_is_sent() {
    let answer = through(ProblemLayer::new(), text(400), &[Data(b"\xff")]).await;
    assert!(!is_problem(&answer));
    assert!(!answer.body().is_end_stream());
    assert_eq!(answer.body().size_hint().exact(), Some(1));
    assert_eq!(bytes(answer).await, b"\xff".as_slice());
}
