//! The query of `GET /v1/products`.

use buttress_problem::Violation;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    domain::{BrokenRule, ProductName},
    http::{
        error::{ApiError, Invalid},
        list::{
            DEFAULT_LIMIT, Fields, Reader, parse_fields, parse_flag, parse_integer, parse_limit,
            parse_sort,
        },
    },
    store::{Direction, ProductFilter, ProductKey, ProductQuery, Sort},
};

/// What a list can be asked for. A parameter that is not here is refused, since one that is
/// misspelled and ignored answers another question than the one that was asked.
///
/// All are text at first: numbers and flags are read together with the rules, so that everything
/// that is wrong is named at once.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// How many products to answer with at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// What to sort by, comma separated: `createdAt`, `priceMinor`, `name` (by code point), each
    /// with a `-` in front for descending. The id decides between equals.
    #[param(default = "-createdAt", example = "priceMinor,-createdAt")]
    sort: Option<String>,
    /// The members to answer with, comma separated.
    #[param(example = "id,name,priceMinor")]
    fields: Option<String>,
    /// Whether to count all products that the filters let through.
    #[param(value_type = Option<bool>, default = false)]
    total: Option<String>,
    /// The name contains this. Letters of ASCII match in either case, all others as they are.
    #[param(max_length = 200)]
    q: Option<String>,
    /// The price is at least this.
    #[param(value_type = Option<i64>)]
    min_price_minor: Option<String>,
    /// The price is at most this.
    #[param(value_type = Option<i64>)]
    max_price_minor: Option<String>,
    /// Whether there is any, or none.
    #[param(value_type = Option<bool>)]
    in_stock: Option<String>,
}

const NEWEST_FIRST: Sort<ProductKey> = Sort {
    key: ProductKey::CreatedAt,
    direction: Direction::Descending,
};

const SORTS: [(&str, ProductKey); 3] = [
    ("createdAt", ProductKey::CreatedAt),
    ("priceMinor", ProductKey::Price),
    ("name", ProductKey::Name),
];

const FIELDS: [&str; 9] = [
    "id",
    "name",
    "description",
    "priceMinor",
    "currency",
    "stock",
    "version",
    "createdAt",
    "updatedAt",
];

impl ListParams {
    /// What the store is to be asked, and which members to answer with.
    pub(super) fn check(self) -> Result<(ProductQuery, Option<Fields>), ApiError> {
        let mut reader = Reader::default();
        let limit = reader.read("limit", self.limit, parse_limit);
        let sort = reader.read("sort", self.sort, |list| parse_sort(list, &SORTS));
        let fields = reader.read("fields", self.fields, |list| parse_fields(list, &FIELDS));
        let total = reader.read("total", self.total, parse_flag);
        let min_price = reader.read("minPriceMinor", self.min_price_minor, parse_integer);
        let max_price = reader.read("maxPriceMinor", self.max_price_minor, parse_integer);
        let in_stock = reader.read("inStock", self.in_stock, parse_flag);
        reader.finish()?;
        let q = self.q.filter(|text| !text.is_empty());
        let name_contains = q.map(check_text).transpose()?;
        let query = ProductQuery {
            filter: ProductFilter {
                name_contains,
                min_price,
                max_price,
                in_stock,
            },
            sort: sort.unwrap_or_else(|| vec![NEWEST_FIRST]),
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            total: total.unwrap_or(false),
        };
        Ok((query, fields))
    }
}

/// What cannot be in a name need not be looked for.
fn check_text(text: String) -> Result<String, Invalid> {
    match ProductName::new(text) {
        Ok(text) => Ok(text.as_str().to_owned()),
        Err(BrokenRule { code, detail }) => {
            let violation = Violation::parameter("q", detail).with_code(code);
            Err(Invalid {
                violations: vec![violation],
            })
        }
    }
}
