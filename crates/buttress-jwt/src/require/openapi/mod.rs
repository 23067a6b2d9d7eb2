//! Requirements in OpenAPI documents, by way of utoipa.

mod ways;

use std::{borrow::Cow, mem};

use buttress_problem::Catalogue;
use utoipa::{
    Modify,
    openapi::{
        OpenApi,
        extensions::ExtensionsBuilder,
        path::{Operation, PathItem, Paths},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use self::ways::{Way, product, ways};
use super::{Require, rule::Rule};
use crate::rejection::problems::{
    AUTHENTICATION_REQUIRED, FORBIDDEN, INSUFFICIENT_SCOPE, INVALID_REQUEST, INVALID_TOKEN,
    SERVICE_UNAVAILABLE,
};

/// Access tokens as a security scheme of an OpenAPI document, and requirements as what its operations demand of it.
///
/// `any` becomes alternatives, `all` one list of roles and scopes; OpenAPI 3.1 allows both kinds of names in the list
/// of a scheme of the type `http`. It has no words for `not` and checks, so these are left out of the lists. All of
/// the requirement stands in the description of the operation, and in its extension `x-require`, in the form that
/// [`Require`] is displayed in. Beyond 16 alternatives, and for what nobody passes, only a token is demanded of the
/// reader, and the description says the rest.
///
/// With utoipa-axum, one function keeps what is written and what is enforced together:
///
/// ```
/// use buttress_jwt::BearerScheme;
/// use buttress_problem::Problem;
/// use utoipa::OpenApi;
///
/// const SCHEME: BearerScheme = BearerScheme::new("accessToken");
///
/// #[derive(OpenApi)]
/// #[openapi(modifiers(&SCHEME), components(schemas(Problem)))]
/// struct Api;
///
/// // fn guarded<S>(require: Require, (schemas, mut paths, router): UtoipaMethodRouter<S>) -> UtoipaMethodRouter<S> {
/// //     SCHEME.require_in(&mut paths, &require);
/// //     (schemas, paths, router.layer(RequireLayer::new(require)))
/// // }
/// // router.routes(guarded(Require::role("admin"), routes!(list, create)))
///
/// let document = serde_json::to_value(Api::openapi())?;
/// let scheme = &document["components"]["securitySchemes"]["accessToken"];
/// assert_eq!((&scheme["type"], &scheme["scheme"]), (&"http".into(), &"bearer".into()));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BearerScheme {
    name: &'static str,
}

impl BearerScheme {
    /// A scheme that has this name in the document.
    ///
    /// # Panics
    ///
    /// When the name is empty or has other characters than ASCII letters, digits, `.`, `-` and `_`, which are all that
    /// the name of a component has. In a constant, the compiler says so.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty(), "a security scheme has a name");
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'.' | b'-' | b'_'),
                "the name of a security scheme is made of ASCII letters, digits, `.`, `-` and `_`"
            );
            at += 1;
        }
        Self { name }
    }

    /// Puts the scheme into the document: what [`Modify`] does. Requirements refer to it.
    pub fn define(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "An access token (RFC 9068) in `Authorization: Bearer` (RFC 6750).",
            ));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme(self.name, SecurityScheme::Http(scheme.build()));
    }

    /// The alternatives that the requirement leaves, in OpenAPI's words. There is always one at least: none would mean
    /// that nothing is required.
    #[must_use]
    pub fn security(&self, require: &Require) -> Vec<SecurityRequirement> {
        let mut ways = ways(require).unwrap_or_default();
        if ways.is_empty() {
            ways.push(Way::new());
        }
        ways.into_iter()
            .map(|way| SecurityRequirement::new(self.name, way))
            .collect()
    }

    /// Writes down what is required of who calls the operation, and the answers that those get who may not:
    /// 400, 401, and 403 and 503 where the requirement can end so.
    ///
    /// An answer that the operation describes itself stays as it is. Where it has others of the same status,
    /// describe them together: `Problems<(OrderError, BearerLayer, RequireLayer)>` of buttress-problem.
    /// What the operation demands of other schemes stays too, as alternatives. What it demands of this scheme already,
    /// because a router around it requires something else, is demanded beside this: callers meet both.
    pub fn require(&self, operation: &mut Operation, require: &Require) {
        let told = told(operation);
        let is_new = told
            .as_deref()
            .is_some_and(|told| told != require.to_string());
        let security = operation.security.get_or_insert_default();
        let (before, others) = mem::take(security)
            .into_iter()
            .partition::<Vec<_>, _>(|alternative| is_new && self.names_of(alternative).is_some());
        *security = others;
        for alternative in self.beside(&before, require) {
            if !security.contains(&alternative) {
                security.push(alternative);
            }
        }
        // Schemes are alternatives to one another.
        let word = if before.is_empty() { "or" } else { "and" };
        describe(operation, &require.to_string(), word);
        for (status, response) in answers(require).to_responses() {
            let responses = &mut operation.responses.responses;
            responses.entry(status).or_insert(response);
        }
    }

    /// The names that the alternative has of this scheme, and of no other.
    fn names_of(&self, alternative: &SecurityRequirement) -> Option<Way> {
        let written = serde_json::to_value(alternative).ok()?;
        let [(name, names)] = &*written.as_object()?.iter().collect::<Vec<_>>() else {
            return None;
        };
        let names = names.as_array()?.iter().filter_map(|name| name.as_str());
        (*name == self.name).then(|| names.map(|name| name.to_owned().into()).collect())
    }

    /// The alternatives for who has to meet one of those before, if there are any, and the requirement too.
    fn beside(
        &self,
        before: &[SecurityRequirement],
        require: &Require,
    ) -> Vec<SecurityRequirement> {
        let security = self.security(require);
        if before.is_empty() {
            return security;
        }
        let ways = |of: &[SecurityRequirement]| -> Vec<Way> {
            of.iter().filter_map(|one| self.names_of(one)).collect()
        };
        // Where there are too many, what is left is that a token is needed.
        let both = product(&ways(before), &ways(&security)).unwrap_or(vec![Way::new()]);
        both.into_iter()
            .map(|way| SecurityRequirement::new(self.name, way))
            .collect()
    }

    /// The same for every operation of these paths.
    pub fn require_in(&self, paths: &mut Paths, require: &Require) {
        paths
            .paths
            .values_mut()
            .flat_map(operations)
            .for_each(|operation| self.require(operation, require));
    }
}

impl Modify for BearerScheme {
    fn modify(&self, document: &mut OpenApi) {
        self.define(document);
    }
}

const EXTENSION: &str = "x-require";

/// What was said before of what the operation requires.
fn told(operation: &Operation) -> Option<String> {
    let told = operation.extensions.as_ref()?.get(EXTENSION)?.as_str()?;
    Some(told.to_owned())
}

fn describe(operation: &mut Operation, require: &str, word: &str) {
    let told = told(operation);
    // Two schemes with one requirement say it once.
    if told.as_deref() == Some(require) {
        return;
    }
    let all = match told {
        Some(told) => format!(
            "{} {word} {}",
            in_parentheses(&told),
            in_parentheses(require)
        ),
        None => require.to_owned(),
    };
    let extensions = operation.extensions.get_or_insert_default();
    extensions.merge(ExtensionsBuilder::new().add(EXTENSION, all).build());
    // What is between backticks in Markdown is shown as it is, but for backticks.
    let text = format!("Requires `{}`.", require.replace('`', "'"));
    operation.description = Some(match operation.description.take() {
        Some(description) if !description.is_empty() => format!("{description}\n\n{text}"),
        _ => text,
    });
}

fn in_parentheses(require: &str) -> Cow<'_, str> {
    match require.contains(' ') {
        true => format!("({require})").into(),
        false => require.into(),
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let fixed = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
        &mut item.query,
    ];
    fixed
        .into_iter()
        .flatten()
        .chain(item.additional_operations.values_mut())
}

/// How a request to the operation can be refused.
fn answers(require: &Require) -> Catalogue {
    let mut answers =
        Catalogue::from_iter([INVALID_REQUEST, AUTHENTICATION_REQUIRED, INVALID_TOKEN]);
    if lacks_scopes(require) {
        answers.insert(INSUFFICIENT_SCOPE);
    }
    if forbids(require) {
        answers.insert(FORBIDDEN);
    }
    if waits(require) {
        answers.insert(SERVICE_UNAVAILABLE);
    }
    answers
}

/// Whether it may be scopes that are missing, and nothing else.
fn lacks_scopes(require: &Require) -> bool {
    match &*require.0 {
        Rule::Scope(_) => true,
        Rule::All(parts) | Rule::Any(parts) => parts.iter().any(lacks_scopes),
        Rule::Role(_) | Rule::Not(_) | Rule::Check(..) | Rule::AsyncCheck(..) => false,
    }
}

/// Whether it may be something else that is missing.
fn forbids(require: &Require) -> bool {
    match &*require.0 {
        Rule::Scope(_) => false,
        Rule::All(parts) => parts.iter().any(forbids),
        Rule::Any(parts) => parts.iter().all(forbids),
        Rule::Role(_) | Rule::Not(_) | Rule::Check(..) | Rule::AsyncCheck(..) => true,
    }
}

fn waits(require: &Require) -> bool {
    match &*require.0 {
        Rule::AsyncCheck(..) => true,
        Rule::All(parts) | Rule::Any(parts) => parts.iter().any(waits),
        Rule::Not(part) => waits(part),
        Rule::Scope(_) | Rule::Role(_) | Rule::Check(..) => false,
    }
}
