//! A requirement as what OpenAPI can say of it: several ways in, each one a list of names.

use std::borrow::Cow;

use crate::{Require, require::rule::Rule};

/// The roles and scopes that are needed together, each of them once.
pub(super) type Way = Vec<Cow<'static, str>>;

/// How many ways are worth reading. Putting `all` of many `any` together makes more of them than fit into memory.
const MAX: usize = 16;

/// The ways in; none when nobody gets in, and `None` when there are too many.
///
/// What is no name, `not` and the checks, is left out: the ways promise too much then, and never too little.
pub(super) fn ways(require: &Require) -> Option<Vec<Way>> {
    match &*require.0 {
        Rule::Role(name) | Rule::Scope(name) => Some(vec![vec![name.clone()]]),
        Rule::Any(any) => {
            let mut ways = Vec::new();
            for one in any {
                for way in self::ways(one)? {
                    add(&mut ways, way)?;
                }
            }
            Some(ways)
        }
        Rule::All(all) => {
            let mut ways = vec![Way::new()];
            for one in all {
                ways = product(&ways, &self::ways(one)?)?;
            }
            Some(ways)
        }
        Rule::Not(_) | Rule::Check(..) | Rule::AsyncCheck(..) => Some(vec![Way::new()]),
    }
}

/// Each way on the left with each on the right; `None` when there are too many.
pub(super) fn product(left: &[Way], right: &[Way]) -> Option<Vec<Way>> {
    let mut ways = Vec::new();
    for left in left {
        for right in right {
            let mut way = left.clone();
            way.extend(right.iter().filter(|name| !left.contains(name)).cloned());
            add(&mut ways, way)?;
        }
    }
    Some(ways)
}

fn add(ways: &mut Vec<Way>, way: Way) -> Option<()> {
    if !ways.contains(&way) {
        ways.push(way);
    }
    (ways.len() <= MAX).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(role: &'static str) -> Require {
        Require::role(role)
    }

    #[track_caller]
    fn check(require: &Require, expected: &[&[&str]]) {
        assert_eq!(ways(require).expect("few"), expected, "{require}");
    }

    #[test]
    fn all_is_one_way_and_any_is_several() {
        check(&Require::authenticated(), &[&[]]);
        check(&role("a"), &[&["a"]]);
        check(&Require::scope("a:b"), &[&["a:b"]]);
        check(
            &Require::all([role("a"), Require::scope("b"), role("a")]),
            &[&["a", "b"]],
        );
        check(
            &Require::any([role("a"), Require::scope("b"), role("a")]),
            &[&["a"], &["b"]],
        );
        check(
            &Require::all([
                Require::any([role("a"), role("b")]),
                Require::any([role("c"), role("a")]),
            ]),
            &[&["a", "c"], &["a"], &["b", "c"], &["b", "a"]],
        );
    }

    #[test]
    fn what_is_no_name_is_left_out() {
        let check_of = || Require::check("own", |_, _| true);
        check(&Require::not(role("a")), &[&[]]);
        check(&Require::all([role("a"), check_of()]), &[&["a"]]);
        check(&Require::any([role("a"), check_of()]), &[&["a"], &[]]);
    }

    #[test]
    fn nobody_has_no_way() {
        check(&Require::any([]), &[]);
        check(&Require::all([role("a"), Require::any([])]), &[]);
        check(&Require::any([role("a"), Require::any([])]), &[&["a"]]);
    }

    #[test]
    fn too_many_ways_are_none_and_are_found_out_early() {
        let names: Vec<_> = (0..17).map(|n| Require::role(n.to_string())).collect();
        assert_eq!(
            ways(&Require::any(names[..16].to_vec())).map(|ways| ways.len()),
            Some(16)
        );
        assert_eq!(ways(&Require::any(names.clone())), None);
        // Two to the power of sixty, if it went on.
        let pairs = (0..60).map(|n| {
            Require::any([
                Require::role(format!("a{n}")),
                Require::role(format!("b{n}")),
            ])
        });
        assert_eq!(ways(&Require::all(pairs)), None);
    }
}
