//! The query of `GET /v1/users`.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    http::{
        error::InvalidQuery,
        list::{DEFAULT_LIMIT, Fields, Reader, parse_fields, parse_flag, parse_limit, parse_sort},
    },
    store::{Direction, Sort, UserKey, UserQuery},
};

/// What a list can be asked for. All are text at first, so that everything that is wrong is named
/// at once.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// How many users to answer with at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// What to sort by, comma separated: `createdAt`, `email`, `name` (by code point), each with a
    /// `-` in front for descending. The id decides between equals.
    #[param(default = "-createdAt", example = "name,-createdAt")]
    sort: Option<String>,
    /// The members to answer with, comma separated.
    #[param(example = "id,email")]
    fields: Option<String>,
    /// Whether to count all users.
    #[param(value_type = Option<bool>, default = false)]
    total: Option<String>,
}

const NEWEST_FIRST: Sort<UserKey> = Sort {
    key: UserKey::CreatedAt,
    direction: Direction::Descending,
};

const SORTS: [(&str, UserKey); 3] = [
    ("createdAt", UserKey::CreatedAt),
    ("email", UserKey::Email),
    ("name", UserKey::Name),
];

const FIELDS: [&str; 6] = ["id", "email", "name", "roles", "createdAt", "updatedAt"];

impl ListParams {
    /// What the store is to be asked, and which members to answer with.
    pub(super) fn check(self) -> Result<(UserQuery, Option<Fields>), InvalidQuery> {
        let mut reader = Reader::default();
        let limit = reader.read("limit", self.limit, parse_limit);
        let sort = reader.read("sort", self.sort, |list| parse_sort(list, &SORTS));
        let fields = reader.read("fields", self.fields, |list| parse_fields(list, &FIELDS));
        let total = reader.read("total", self.total, parse_flag);
        reader.finish()?;
        let query = UserQuery {
            sort: sort.unwrap_or_else(|| vec![NEWEST_FIRST]),
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            total: total.unwrap_or(false),
        };
        Ok((query, fields))
    }
}
