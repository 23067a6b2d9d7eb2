//! Problems as actix-web's errors.

use std::{future::Future, net::TcpStream};

use actix_web::{App, HttpServer, ResponseError, http::header, rt, test, web};
use buttress_problem::Problem;
use http::{HeaderValue, StatusCode};

use crate::support::{Log, SECRET, Secret};

fn run<T>(test: impl Future<Output = T>) -> T {
    rt::System::new().block_on(test)
}

async fn refuse() -> Result<String, Problem> {
    let value = HeaderValue::from_static;
    let mut token = value("c=secret");
    token.set_sensitive(true);
    Err(Problem::new(StatusCode::TOO_MANY_REQUESTS)
        .with_detail("wait a minute")
        .with_extension("limit", 5)
        .with_header(http::header::RETRY_AFTER, value("60"))
        .with_header(http::header::SET_COOKIE, value("a=1"))
        .with_header(http::header::SET_COOKIE, value("b=2"))
        .with_header(http::header::SET_COOKIE, token))
}

async fn fail() -> Result<String, Problem> {
    Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR).with_source(Secret))
}

#[test]
fn status_headers_and_body_arrive() {
    run(async {
        let app = test::init_service(App::new().route("/", web::get().to(refuse))).await;
        let response = test::call_service(&app, test::TestRequest::get().to_request()).await;
        assert_eq!(response.status(), 429);
        let headers = response.headers();
        assert_eq!(
            headers.get(header::CONTENT_TYPE).unwrap(),
            "application/problem+json"
        );
        assert_eq!(headers.get(header::RETRY_AFTER).unwrap(), "60");
        let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).collect();
        assert_eq!(cookies, ["a=1", "b=2", "c=secret"]);
        assert_eq!(
            cookies
                .iter()
                .map(|value| value.is_sensitive())
                .collect::<Vec<_>>(),
            [false, false, true]
        );
        let body: serde_json::Value = test::read_body_json(response).await;
        assert_eq!(body["code"], "TOO_MANY_REQUESTS");
        assert_eq!(body["status"], 429);
        assert_eq!(body["detail"], "wait a minute");
        assert_eq!(body["limit"], 5);
    });
}

#[test]
fn the_cause_is_logged_once_and_not_sent() {
    let log = Log::capture();
    run(async {
        let app = test::init_service(App::new().route("/", web::get().to(fail))).await;
        let response = test::call_service(&app, test::TestRequest::get().to_request()).await;
        assert_eq!(response.status(), 500);
        let body = test::read_body(response).await;
        assert!(!String::from_utf8_lossy(&body).contains("postgres"));
    });
    assert_eq!(log.count(SECRET), 1, "{}", log.text());
}

/// Every number that `http` 1 takes as a status is one for `http` 0.2.
#[test]
fn no_status_is_lost() {
    for number in 100..=999 {
        let problem = Problem::new(StatusCode::from_u16(number).unwrap());
        assert_eq!(problem.status_code().as_u16(), number);
        assert_eq!(problem.error_response().status().as_u16(), number);
    }
}

#[test]
fn the_same_goes_over_a_socket() {
    use std::io::{Read, Write};

    let answer = run(async {
        let server = HttpServer::new(|| App::new().route("/", web::get().to(refuse)))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        let running = rt::spawn(server);
        let answer = rt::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let request = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = answer.await.unwrap();
        handle.stop(true).await;
        running.await.unwrap().unwrap();
        answer
    });
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("http/1.1 429 "), "{head}");
    assert!(
        head.contains(&format!("\r\ncontent-length: {}", body.len())),
        "{head}"
    );
    assert_eq!(head.matches("\r\nset-cookie: ").count(), 3, "{head}");
}
