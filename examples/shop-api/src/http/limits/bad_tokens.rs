use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use buttress_jwt::RejectionKind;
use buttress_problem::Problem;
use buttress_ratelimit::{ClientIp, RateLimitHeaders, RateLimiter, Rejection, RequestKey};

/// Where requests with a bad token are charged.
#[derive(Debug, Clone)]
pub(super) struct BadTokens {
    pub(super) limiter: RateLimiter,
    pub(super) client_ip: ClientIp,
    pub(super) headers: RateLimitHeaders,
}

/// Charges a request that was refused for its token to where it comes from, and refuses it for that if
/// there is nothing left: the client is not to go on trying.
///
/// That comes after the token was looked at, and not before, so that a good one passes whatever others
/// send from the same address.
pub(super) async fn charge(
    State(bad_tokens): State<BadTokens>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let address = bad_tokens.client_ip.key(&head);
    let answer = next.run(Request::from_parts(head, body)).await;
    match address {
        Some(address) if is_of_a_bad_token(&answer) => {
            let decided = bad_tokens.limiter.check(&address, 1).await;
            let decision = match decided {
                Ok(decision) => decision,
                Err(error) => return Problem::from(Rejection::from(error)).into_response(),
            };
            let mut answer = match Rejection::of(&decision) {
                Some(rejection) => Problem::from(rejection).into_response(),
                None => answer,
            };
            bad_tokens.headers.write(&decision, answer.headers_mut());
            answer
        }
        _ => answer,
    }
}

/// What is refused for other reasons has got as far as the limit, and was charged there.
fn is_of_a_bad_token(answer: &Response) -> bool {
    let rejection = answer.extensions().get::<buttress_jwt::Rejection>();
    rejection.is_some_and(|rejection| {
        matches!(
            rejection.kind(),
            RejectionKind::InvalidToken | RejectionKind::InvalidRequest
        )
    })
}
