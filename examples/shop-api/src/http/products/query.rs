//! The query of `GET /v1/products`.

use buttress_problem::Violation;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    domain::ProductName,
    http::error::{ApiError, Invalid, InvalidQuery},
    store::{Direction, Filter, ListQuery, Sort, SortKey},
};

/// What a list can be asked for. A parameter that is not here is refused, since one that is
/// misspelled and ignored answers another question than the one that was asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// How many products to answer with at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// What to sort by, comma separated: `createdAt`, `priceMinor`, `name` (by code point), each
    /// with a `-` in front for descending. The id decides between equals.
    #[param(default = "-createdAt", example = "priceMinor,-createdAt")]
    sort: Option<String>,
    /// The members to answer with, comma separated.
    #[param(example = "id,name,priceMinor")]
    fields: Option<String>,
    /// Whether to count all products that the filters let through.
    #[param(default = false)]
    total: Option<bool>,
    /// The name contains this. Letters of ASCII match in either case, all others as they are.
    #[param(max_length = 200)]
    q: Option<String>,
    /// The price is at least this.
    min_price_minor: Option<i64>,
    /// The price is at most this.
    max_price_minor: Option<i64>,
    /// Whether there is any, or none.
    in_stock: Option<bool>,
}

/// The query of everything else: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NoParams {}

/// The members of a product that a list is cut down to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fields(Vec<&'static str>);

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

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

impl Fields {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

impl ListParams {
    /// What the store is to be asked, and which members to answer with.
    pub(super) fn check(self) -> Result<(ListQuery, Option<Fields>), ApiError> {
        let mut violations = Vec::new();
        let mut note = |result: Result<(), Violation>| violations.extend(result.err());

        let mut limit = DEFAULT_LIMIT;
        let mut sort = vec![Sort {
            key: SortKey::CreatedAt,
            direction: Direction::Descending,
        }];
        let mut fields = None;
        note(self.limit.map_or(Ok(()), |value| {
            parse_limit(value).map(|value| limit = value)
        }));
        note(
            self.sort
                .map_or(Ok(()), |list| parse_sort(&list).map(|value| sort = value)),
        );
        note(self.fields.map_or(Ok(()), |list| {
            parse_fields(&list).map(|value| fields = Some(value))
        }));
        if !violations.is_empty() {
            return Err(InvalidQuery { violations }.into());
        }

        let filter = Filter {
            name_contains: self
                .q
                .filter(|text| !text.is_empty())
                .map(check_text)
                .transpose()?,
            min_price: self.min_price_minor,
            max_price: self.max_price_minor,
            in_stock: self.in_stock,
        };
        let total = self.total.unwrap_or(false);
        Ok((
            ListQuery {
                filter,
                sort,
                limit,
                total,
            },
            fields,
        ))
    }
}

/// What cannot be in a name need not be looked for.
fn check_text(text: String) -> Result<String, Invalid> {
    match ProductName::new(text) {
        Ok(text) => Ok(text.as_str().to_owned()),
        Err(rule) => {
            let violation = Violation::parameter("q", rule.detail).with_code(rule.code);
            Err(Invalid {
                violations: vec![violation],
            })
        }
    }
}

fn parse_limit(value: i64) -> Result<u32, Violation> {
    match u32::try_from(value) {
        Ok(limit @ 1..=MAX_LIMIT) => Ok(limit),
        _ => {
            let detail = format!("must be from 1 to {MAX_LIMIT}");
            Err(Violation::parameter("limit", detail).with_code("OUT_OF_RANGE"))
        }
    }
}

fn parse_sort(list: &str) -> Result<Vec<Sort>, Violation> {
    let refuse = |detail| Err(Violation::parameter("sort", detail).with_code("UNKNOWN_SORT"));
    let mut sort: Vec<Sort> = Vec::new();
    for term in list.split(',') {
        let (name, direction) = match term.strip_prefix('-') {
            Some(name) => (name, Direction::Descending),
            None => (term, Direction::Ascending),
        };
        let key = match name {
            "createdAt" => SortKey::CreatedAt,
            "priceMinor" => SortKey::Price,
            "name" => SortKey::Name,
            _ => return refuse("takes createdAt, priceMinor and name, each with or without a -"),
        };
        if sort.iter().any(|earlier| earlier.key == key) {
            return refuse("must not name anything twice");
        }
        sort.push(Sort { key, direction });
    }
    Ok(sort)
}

fn parse_fields(list: &str) -> Result<Fields, Violation> {
    let known = |name| FIELDS.into_iter().find(|field| *field == name);
    let fields = list.split(',').map(known).collect::<Option<Vec<_>>>();
    fields.map(Fields).ok_or_else(|| {
        let detail = format!("takes {}", FIELDS.join(", "));
        Violation::parameter("fields", detail).with_code("UNKNOWN_FIELD")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sort_is_a_list_of_known_names_each_once() {
        let term = |key, direction| Sort { key, direction };
        assert_eq!(
            parse_sort("-priceMinor,name").expect("a sort"),
            [
                term(SortKey::Price, Direction::Descending),
                term(SortKey::Name, Direction::Ascending)
            ]
        );
        for bad in [
            "",
            ",",
            "name,",
            "--name",
            "+name",
            "Name",
            "stock",
            "name,-name",
            "name asc",
        ] {
            assert!(parse_sort(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn fields_are_known_members() {
        assert_eq!(
            parse_fields("id,name").expect("fields"),
            Fields(vec!["id", "name"])
        );
        for bad in ["", "id,", "ID", "deletedAt", "id name"] {
            assert!(parse_fields(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn limits_are_from_1_to_100() {
        assert_eq!((parse_limit(1), parse_limit(100)), (Ok(1), Ok(100)));
        for bad in [0, -1, 101, i64::MAX, i64::MIN] {
            assert!(parse_limit(bad).is_err(), "{bad}");
        }
    }
}
