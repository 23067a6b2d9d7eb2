use std::{fmt, future::poll_fn};

use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::{Rejection, RejectionKind, Require, inquiry::Inquiry};

/// The routes of a service, to find out what each of them requires, and that none was forgotten.
///
/// A router does not say which routes it has, so the list comes from elsewhere: from an OpenAPI document with the
/// feature `utoipa`, or written down. Each route is called in process, with an empty body, and with `0` for what is in
/// braces in its path.
///
/// **What is behind a layer that refuses is not run.** What is behind none is: nothing outside of a handler can tell
/// that it is one. So name the routes that are [open on purpose](Self::except), which are not called at all; then
/// nothing runs but what was forgotten, once, in a test that fails for it.
///
/// ```
/// # #[cfg(feature = "axum")]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, http::Method, routing::get};
/// use buttress_jwt::{BearerLayer, Require, RequireLayer, Verifier, testing::Routes};
///
/// # use buttress_jwt::{Algorithm, KeyRing, SigningKey};
/// fn app(verifier: Verifier) -> Router {
///     let admin = RequireLayer::new(Require::role("admin"));
///     Router::new()
///         .route("/livez", get(async || "ok"))
///         .route("/v1/users/{id}", get(async || "user").delete(async || "gone").layer(admin))
///         .layer(BearerLayer::<()>::new(verifier).optional())
/// }
///
/// # let verifier = Verifier::new("i", "a", KeyRing::new(SigningKey::generate(Algorithm::EdDSA)?)?);
/// let app = app(verifier);
/// let routes = Routes::new([
///     (Method::GET, "/livez"),
///     (Method::GET, "/v1/users/{id}"),
///     (Method::DELETE, "/v1/users/{id}"),
/// ])
/// .except(["GET /livez"]);
///
/// let open = routes.open(app.clone()).await;
/// assert!(open.is_empty(), "{open}");
///
/// assert_eq!(
///     routes.requirements(app).await.to_string(),
///     "GET /v1/users/{id}: role(admin)\nDELETE /v1/users/{id}: role(admin)\n"
/// );
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "axum"))] fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    method: Method,
    path: String,
}

impl Routes {
    /// These routes, by method and path. The path is as the router has it: `/v1/orders/{id}`.
    #[must_use]
    pub fn new<P: Into<String>>(routes: impl IntoIterator<Item = (Method, P)>) -> Self {
        let route = |(method, path): (_, P)| Route {
            method,
            path: path.into(),
        };
        Self(routes.into_iter().map(route).collect())
    }

    /// The operations of a document, in its order of paths.
    ///
    /// # Panics
    ///
    /// When the document has an operation of a method that HTTP cannot have.
    #[cfg(feature = "utoipa")]
    #[must_use]
    pub fn from_openapi(document: &utoipa::openapi::OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        Self::new(paths.flat_map(|(path, item)| {
            let fixed = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
                (Method::OPTIONS, &item.options),
                (Method::HEAD, &item.head),
                (Method::PATCH, &item.patch),
                (Method::TRACE, &item.trace),
            ];
            let fixed = fixed
                .into_iter()
                .filter(|(_, operation)| operation.is_some())
                .map(|(method, _)| method);
            let query = item.query.iter().map(|_| method("QUERY"));
            let others = item.additional_operations.keys().map(|name| method(name));
            let methods: Vec<_> = fixed.chain(query).chain(others).collect();
            methods.into_iter().map(move |method| (method, path))
        }))
    }

    /// Leaves these out, written as `GET /livez`: they require nothing on purpose, and are not called.
    ///
    /// # Panics
    ///
    /// When there is no such route: a list of exceptions is read by people who trust it.
    #[must_use]
    pub fn except<R: AsRef<str>>(mut self, routes: impl IntoIterator<Item = R>) -> Self {
        for exception in routes {
            let exception = exception.as_ref();
            let before = self.0.len();
            self.0.retain(|route| route.to_string() != exception);
            assert!(
                self.0.len() < before,
                "there is no route `{exception}` to leave out; there are:\n{self}"
            );
        }
        self
    }

    /// Calls each of them as somebody without credentials does, and returns those that did not refuse that, and those
    /// that refuse everybody.
    ///
    /// A route refuses if [`BearerLayer`](crate::BearerLayer), [`RequireLayer`](crate::RequireLayer) or an extractor
    /// does, and so says the [`Rejection`] in the extensions of its answer, whatever a responder makes of the rest. A
    /// handler that finds out by itself who it is, and answers 401, is returned as well. So is a route that there is
    /// not, unless a layer that refuses is in front of the 404, too.
    ///
    /// # Panics
    ///
    /// When a path is none, or the service fails.
    pub async fn open<S, R>(&self, service: S) -> OpenRoutes
    where
        S: Service<Request<String>, Response = Response<R>> + Clone,
        S::Error: fmt::Debug,
    {
        let mut open = Vec::new();
        for route in &self.0 {
            let answer = call(service.clone(), route.request()).await;
            let kind = answer.extensions().get().map(Rejection::kind);
            let finding = match kind {
                None => Finding::Open(answer.status()),
                Some(RejectionKind::Misconfigured) => Finding::Misconfigured,
                Some(_) => continue,
            };
            open.push((route.clone(), finding));
        }
        OpenRoutes(open)
    }

    /// What each of them requires, as its [`RequireLayer`](crate::RequireLayer) says, which refuses the request with
    /// which it is asked. What is further in, another such layer or what a handler asks [`Require::decide`], is not
    /// seen.
    ///
    /// Without one, but behind a [`BearerLayer`](crate::BearerLayer) that is not optional, it is
    /// [`Require::authenticated`], and the handler is called, without anybody in its extensions; the extractors refuse
    /// that.
    ///
    /// # Panics
    ///
    /// When a path is none, or the service fails.
    pub async fn requirements<S, R>(&self, service: S) -> Requirements
    where
        S: Service<Request<String>, Response = Response<R>> + Clone,
        S::Error: fmt::Debug,
    {
        let mut requirements = Vec::new();
        for route in &self.0 {
            let inquiry = Inquiry::default();
            let mut request = route.request();
            request.extensions_mut().insert(inquiry.clone());
            call(service.clone(), request).await;
            requirements.push((route.clone(), inquiry.noted()));
        }
        Requirements(requirements)
    }
}

async fn call<S, R>(mut service: S, request: Request<String>) -> Response<R>
where
    S: Service<Request<String>, Response = Response<R>>,
    S::Error: fmt::Debug,
{
    let shown = format!("{} {}", request.method(), request.uri());
    let answer = match poll_fn(|cx| service.poll_ready(cx)).await {
        Ok(()) => service.call(request).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| panic!("{shown} failed: {error:?}"))
}

impl Route {
    fn request(&self) -> Request<String> {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(filled(&self.path));
        request
            .body(String::new())
            .unwrap_or_else(|error| panic!("`{}` is no path: {error}", self.path))
    }
}

#[cfg(feature = "utoipa")]
fn method(name: &str) -> Method {
    name.parse()
        .unwrap_or_else(|_| panic!("`{name}` is no method of HTTP"))
}

/// The path with a value for each of its parameters.
fn filled(path: &str) -> String {
    let mut filled = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((_, after)) = after.split_once('}') else {
            panic!("a brace of the path `{path}` is not closed");
        };
        filled.push('0');
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The routes that require nothing, as [`Routes::open`] finds them. They are displayed a line each.
#[derive(Clone, PartialEq, Eq)]
#[must_use = "routes are found so that somebody looks at them"]
pub struct OpenRoutes(Vec<(Route, Finding)>);

#[derive(Clone, PartialEq, Eq)]
enum Finding {
    Open(StatusCode),
    Misconfigured,
}

impl OpenRoutes {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their methods and paths.
    pub fn iter(&self) -> impl Iterator<Item = (&Method, &str)> {
        self.0
            .iter()
            .map(|(route, _)| (&route.method, &*route.path))
    }
}

/// What routes require, as [`Routes::requirements`] finds it. It is displayed a line for each route, for a test that
/// compares it with what was agreed on.
#[derive(Clone)]
#[must_use = "requirements are found so that somebody looks at them"]
pub struct Requirements(Vec<(Route, Option<Require>)>);

impl Requirements {
    /// Method, path, and what is required, if anything is.
    pub fn iter(&self) -> impl Iterator<Item = (&Method, &str, Option<&Require>)> {
        self.0
            .iter()
            .map(|(route, require)| (&route.method, &*route.path, require.as_ref()))
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|route| writeln!(f, "{route}"))
    }
}

impl fmt::Display for OpenRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(route, finding)| match finding {
            Finding::Open(status) => {
                writeln!(f, "{route} requires nothing: it answered {}", status.as_u16())
            }
            Finding::Misconfigured => writeln!(
                f,
                "{route} refuses everybody: there is no authentication in front of its RequireLayer or extractor"
            ),
        })
    }
}

impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(route, require)| match require {
                Some(require) => writeln!(f, "{route}: {require}"),
                None => writeln!(f, "{route}: nothing"),
            })
    }
}

impl fmt::Debug for OpenRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
