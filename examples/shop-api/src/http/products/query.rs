//! The query of `GET /v1/products`.

use std::str::FromStr;

use buttress_problem::Violation;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    domain::{BrokenRule, ProductName},
    http::error::{ApiError, Invalid, InvalidQuery},
    store::{Direction, Filter, ListQuery, Sort, SortKey},
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

/// The query of everything else: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NoParams {}

/// The members of a product that a list is cut down to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fields(Vec<&'static str>);

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;
const NEWEST_FIRST: Sort = Sort {
    key: SortKey::CreatedAt,
    direction: Direction::Descending,
};

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
        let mut reader = Reader::default();
        let limit = reader.read("limit", self.limit, parse_limit);
        let sort = reader.read("sort", self.sort, parse_sort);
        let fields = reader.read("fields", self.fields, parse_fields);
        let total = reader.read("total", self.total, parse_flag);
        let min_price = reader.read("minPriceMinor", self.min_price_minor, parse_integer);
        let max_price = reader.read("maxPriceMinor", self.max_price_minor, parse_integer);
        let in_stock = reader.read("inStock", self.in_stock, parse_flag);
        if !reader.violations.is_empty() {
            return Err(InvalidQuery {
                violations: reader.violations,
            }
            .into());
        }
        let q = self.q.filter(|text| !text.is_empty());
        let name_contains = q.map(check_text).transpose()?;
        let query = ListQuery {
            filter: Filter {
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

/// Reads parameters, and collects what is wrong with them.
#[derive(Debug, Default)]
struct Reader {
    violations: Vec<Violation>,
}

impl Reader {
    fn read<T>(
        &mut self,
        name: &'static str,
        value: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, BrokenRule>,
    ) -> Option<T> {
        match parse(&value?) {
            Ok(value) => Some(value),
            Err(BrokenRule { code, detail }) => {
                self.violations
                    .push(Violation::parameter(name, detail).with_code(code));
                None
            }
        }
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

fn parse_limit(text: &str) -> Result<u32, BrokenRule> {
    match parse(text) {
        Some(limit @ 1..=MAX_LIMIT) => Ok(limit),
        _ => Err(BrokenRule::new(
            "OUT_OF_RANGE",
            format!("must be from 1 to {MAX_LIMIT}"),
        )),
    }
}

fn parse_integer(text: &str) -> Result<i64, BrokenRule> {
    parse(text).ok_or(BrokenRule::new("TYPE", "must be an integer"))
}

fn parse_flag(text: &str) -> Result<bool, BrokenRule> {
    parse(text).ok_or(BrokenRule::new("TYPE", "must be true or false"))
}

/// Rust reads `+5` too, which JSON does not.
fn parse<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

fn parse_sort(list: &str) -> Result<Vec<Sort>, BrokenRule> {
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
            _ => {
                let takes = "takes createdAt, priceMinor and name, each with or without a -";
                return Err(BrokenRule::new("UNKNOWN_SORT", takes));
            }
        };
        if sort.iter().any(|earlier| earlier.key == key) {
            return Err(BrokenRule::new("DUPLICATE", "must not name anything twice"));
        }
        sort.push(Sort { key, direction });
    }
    Ok(sort)
}

fn parse_fields(list: &str) -> Result<Fields, BrokenRule> {
    let known = |name| FIELDS.into_iter().find(|field| *field == name);
    let fields = list.split(',').map(known).collect::<Option<Vec<_>>>();
    let refusal = || BrokenRule::new("UNKNOWN_FIELD", format!("takes {}", FIELDS.join(", ")));
    fields.map(Fields).ok_or_else(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sort_is_a_list_of_known_names_each_once() {
        let term = |key, direction| Sort { key, direction };
        let expected = [
            term(SortKey::Price, Direction::Descending),
            term(SortKey::Name, Direction::Ascending),
        ];
        assert_eq!(parse_sort("-priceMinor,name").expect("a sort"), expected);
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
        assert_eq!((parse_limit("1"), parse_limit("100")), (Ok(1), Ok(100)));
        for bad in [
            "0",
            "-1",
            "101",
            "",
            "ten",
            "+5",
            " 5",
            "5.0",
            "0x5",
            "4294967301",
        ] {
            assert!(parse_limit(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn numbers_and_flags_are_as_in_json() {
        assert_eq!(
            (parse_integer("-5"), parse_flag("true")),
            (Ok(-5), Ok(true))
        );
        for bad in ["", "+5", "1.5", "1e3", "9223372036854775808"] {
            assert!(parse_integer(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "1", "yes", "True"] {
            assert!(parse_flag(bad).is_err(), "{bad:?}");
        }
    }
}
