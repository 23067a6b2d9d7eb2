//! What all lists have in common: how they are asked for, and what their answers look like.

use std::str::FromStr;

use buttress_problem::Violation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::error::InvalidQuery;
use crate::{
    domain::BrokenRule,
    store::{Direction, Page, Sort},
};

/// The query of everything that is no list: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParams {}

/// The members that the items of a list are cut down to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fields(Vec<&'static str>);

/// Where in the list the page is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Pagination {
    /// The limit that was applied.
    #[schema(example = 20)]
    limit: u32,
    /// Whether the list goes on after this page.
    has_more: bool,
    /// Always `null`: there are no cursors yet.
    #[schema(required)]
    next_cursor: Option<String>,
    /// Always `null`: there are no cursors yet.
    #[schema(required)]
    prev_cursor: Option<String>,
    /// How many there are that the filters let through; only with `total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 200)]
    total: Option<i64>,
}

/// One thing of a list, whole or cut down.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(in crate::http) enum Item<V> {
    Whole(V),
    Sparse(Map<String, Value>),
}

pub(super) const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

/// What is on the page, each thing as `V` and cut down to `fields`, and where the page is.
pub(super) fn page<T, V: From<T> + Serialize>(
    page: Page<T>,
    limit: u32,
    fields: Option<&Fields>,
) -> (Vec<Item<V>>, Pagination) {
    let items = page
        .items
        .into_iter()
        .map(|item| Item::new(item.into(), fields));
    let pagination = Pagination {
        limit,
        has_more: page.has_more,
        next_cursor: None,
        prev_cursor: None,
        total: page.total,
    };
    (items.collect(), pagination)
}

impl<V: Serialize> Item<V> {
    fn new(item: V, fields: Option<&Fields>) -> Self {
        match (fields, serde_json::to_value(&item)) {
            (Some(Fields(names)), Ok(Value::Object(mut members))) => {
                members.retain(|name, _| names.contains(&name.as_str()));
                Self::Sparse(members)
            }
            _ => Self::Whole(item),
        }
    }
}

/// Reads parameters, and collects what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    violations: Vec<Violation>,
}

impl Reader {
    pub(super) fn read<T>(
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
    /// Whether all was right.
    pub(super) fn finish(self) -> Result<(), InvalidQuery> {
        match self.violations.is_empty() {
            true => Ok(()),
            false => Err(InvalidQuery {
                violations: self.violations,
            }),
        }
    }
}

pub(super) fn parse_limit(text: &str) -> Result<u32, BrokenRule> {
    match parse(text) {
        Some(limit @ 1..=MAX_LIMIT) => Ok(limit),
        _ => Err(BrokenRule::new(
            "OUT_OF_RANGE",
            format!("must be from 1 to {MAX_LIMIT}"),
        )),
    }
}

pub(super) fn parse_integer(text: &str) -> Result<i64, BrokenRule> {
    parse(text).ok_or(BrokenRule::new("TYPE", "must be an integer"))
}

pub(super) fn parse_flag(text: &str) -> Result<bool, BrokenRule> {
    parse(text).ok_or(BrokenRule::new("TYPE", "must be true or false"))
}

/// Rust reads `+5` too, which JSON does not.
fn parse<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// A list of the names in `keys`, each once and each with or without a `-`.
pub(super) fn parse_sort<K: Copy>(
    list: &str,
    keys: &[(&'static str, K)],
) -> Result<Vec<Sort<K>>, BrokenRule> {
    let mut seen = Vec::new();
    let mut sort = Vec::new();
    for term in list.split(',') {
        let (name, direction) = match term.strip_prefix('-') {
            Some(name) => (name, Direction::Descending),
            None => (term, Direction::Ascending),
        };
        let Some((_, key)) = keys.iter().find(|(known, _)| *known == name) else {
            let names: Vec<_> = keys.iter().map(|(name, _)| *name).collect();
            let takes = format!("takes {}, each with or without a -", names.join(", "));
            return Err(BrokenRule::new("UNKNOWN_SORT", takes));
        };
        if seen.contains(&name) {
            return Err(BrokenRule::new("DUPLICATE", "must not name anything twice"));
        }
        seen.push(name);
        sort.push(Sort {
            key: *key,
            direction,
        });
    }
    Ok(sort)
}

/// A list of the names in `known`.
pub(super) fn parse_fields(list: &str, known: &[&'static str]) -> Result<Fields, BrokenRule> {
    let find = |name| known.iter().find(|field| **field == name).copied();
    let fields = list.split(',').map(find).collect::<Option<Vec<_>>>();
    let refusal = || BrokenRule::new("UNKNOWN_FIELD", format!("takes {}", known.join(", ")));
    fields.map(Fields).ok_or_else(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sort_is_a_list_of_known_names_each_once() {
        let keys = [("name", 1), ("priceMinor", 2)];
        let term = |key, direction| Sort { key, direction };
        let expected = [
            term(2, Direction::Descending),
            term(1, Direction::Ascending),
        ];
        assert_eq!(
            parse_sort("-priceMinor,name", &keys).expect("a sort"),
            expected
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
            assert!(parse_sort(bad, &keys).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn fields_are_known_members() {
        let known = ["id", "name", "stock"];
        assert_eq!(
            parse_fields("id,name", &known).expect("fields"),
            Fields(vec!["id", "name"])
        );
        for bad in ["", "id,", "ID", "deletedAt", "id name"] {
            assert!(parse_fields(bad, &known).is_err(), "{bad:?}");
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
