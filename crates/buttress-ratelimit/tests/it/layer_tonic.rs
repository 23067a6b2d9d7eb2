//! In tonic: requests and answers are its own, and so can refusals be.

use std::convert::Infallible;

use ::http::{Request, Response, uri::PathAndQuery};
use buttress_ratelimit::{ConcurrencyLayer, Quota, RateLimitLayer, Settle};
use bytes::{Buf, BufMut, Bytes};
use tonic::{
    Code, Status,
    body::Body,
    client::{Grpc as Client, GrpcService},
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::Grpc as Server,
};
use tower::{Service, ServiceBuilder, service_fn};

use crate::{support::shared, time::Time};

/// Messages are their bytes.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Answers what it is sent, and fails where there is nothing to answer.
fn echo() -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone {
    service_fn(async |request: Request<Body>| {
        let echo = service_fn(
            async |request: tonic::Request<Bytes>| match request.get_ref() {
                message if message.is_empty() => Err(Status::not_found("nothing")),
                message => Ok(tonic::Response::new(message.clone())),
            },
        );
        Ok(Server::new(Plain).unary(echo, request).await)
    })
}

fn limit() -> RateLimitLayer {
    let limiter = Time::new().limiter([Quota::per_day(2).named("day")]);
    // Around bodies that are counted as they are sent.
    shared(&limiter).with_settle(Settle::by_body(|_| 1))
}

async fn say<S>(service: S, message: &'static str) -> Result<tonic::Response<Bytes>, Status>
where
    S: GrpcService<Body, Error = Infallible>,
    S::ResponseBody: Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut client = Client::new(service);
    client.ready().await.expect("it is never busy");
    let path = PathAndQuery::from_static("/test.Echo/Say");
    let request = tonic::Request::new(Bytes::from_static(message.as_bytes()));
    client.unary(request, path, Plain).await
}

/// Test 20 of the specification, with tonic itself.
#[tokio::test]
async fn calls_pass_with_their_messages_and_their_statuses() {
    let service = ServiceBuilder::new()
        .layer(ConcurrencyLayer::new(1).unwrap())
        .layer(limit())
        .service(echo());
    let answer = say(service.clone(), "hello").await.expect("it is answered");
    // The status was in the trailers, which are read to their end.
    assert_eq!(answer.get_ref(), "hello");
    assert_eq!(
        answer.metadata().get("ratelimit-policy").unwrap(),
        r#""day";q=2;w=86400"#
    );
    let failed = say(service.clone(), "").await.expect_err("it fails");
    assert_eq!(
        (failed.code(), failed.message()),
        (Code::NotFound, "nothing")
    );
    // A problem is no message, which is all that the client finds out.
    let refused = say(service, "hello").await.expect_err("it is refused");
    assert!(refused.message().contains("429"), "{refused}");
}

#[tokio::test]
async fn refusals_can_be_statuses_of_grpc() {
    let layer = limit()
        .with_responder(|rejection| Status::resource_exhausted(rejection.to_string()).into_http());
    let service = ServiceBuilder::new().layer(layer).service(echo());
    for _ in 0..2 {
        say(service.clone(), "hello").await.expect("it is answered");
    }
    let refused = say(service, "hello").await.expect_err("it is refused");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.metadata().get("retry-after").unwrap(), "43200");
}
