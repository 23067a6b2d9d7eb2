//! Users as clients see them.

use axum::{
    http::{
        HeaderName,
        header::{CACHE_CONTROL, VARY},
    },
    response::IntoResponse,
};
use buttress_preconditions::ETag;
use buttress_problem::axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::User,
    http::list::{self, Fields, Item, Pagination},
    store::Page,
};

/// Somebody who can sign in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(in crate::http) struct UserView {
    /// A UUIDv7.
    id: Uuid,
    #[schema(example = "ada@shop.example")]
    email: String,
    #[schema(example = "Ada")]
    name: String,
    /// `user`, and `admin` for those who look after the shop.
    #[schema(example = json!(["user"]))]
    roles: Vec<&'static str>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// One page of users.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct UserList {
    /// The users, with the members that `fields` asked for.
    #[schema(value_type = Vec<UserView>)]
    data: Vec<Item<UserView>>,
    pagination: Pagination,
}

/// For answers that differ with who asks: only the client may keep them, and has to ask again.
pub(super) const PERSONAL: [(HeaderName, &str); 2] = [
    (CACHE_CONTROL, "private, no-cache"),
    (VARY, "Authorization"),
];

/// The tag of what [`UserView`] shows of a user. It has the id in it: at `/v1/users/me` there is
/// another user for each one who asks, and the tag of one must not be that of the next.
fn tag(user: &User) -> ETag {
    ETag::from_bytes(format!("{} {}", user.id, user.version))
}

impl UserView {
    /// A user and their tag, as they are answered with.
    pub(in crate::http) fn tagged(user: User) -> impl IntoResponse {
        (PERSONAL, tag(&user), Json(Self::from(user)))
    }
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            name: user.name.as_str().to_owned(),
            roles: user.roles.into_iter().map(|role| role.as_str()).collect(),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl UserList {
    /// The page, each user cut down to `fields`.
    pub(super) fn new(page: Page<User>, limit: u32, fields: Option<&Fields>) -> Self {
        let (data, pagination) = list::page(page, limit, fields);
        Self { data, pagination }
    }
}
