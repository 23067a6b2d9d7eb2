//! What all lists have: an order, and a page of what is in it.

use sqlx::{QueryBuilder, Sqlite};

/// One term of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<K> {
    /// What to compare.
    pub key: K,
    /// Which way round.
    pub direction: Direction,
}

/// Smallest or largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it, in order.
    pub items: Vec<T>,
    /// Whether there is more than the limit allowed for.
    pub has_more: bool,
    /// How many the filter lets through, when that was asked for.
    pub total: Option<i64>,
}

/// What rows can be sorted by. All keys are indexed.
pub(super) trait Key: Copy {
    fn column(self) -> &'static str;
}

impl<T> Page<T> {
    /// The page of these items, of which there may be one more than fits.
    pub(super) fn new(mut items: Vec<T>, limit: u32, total: Option<i64>) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        Self {
            items,
            has_more,
            total,
        }
    }
}

/// The order, and one row more than the limit to see if there are more.
pub(super) fn push_order<K: Key>(sql: &mut QueryBuilder<Sqlite>, sort: &[Sort<K>], limit: u32) {
    sql.push(" ORDER BY ");
    for sort in sort {
        sql.push(sort.key.column())
            .push(sort.direction.keyword())
            .push(", ");
    }
    // In the direction of the last term, so that an index on both can be read backwards too.
    let last = sort
        .last()
        .map_or(Direction::Ascending, |sort| sort.direction);
    sql.push("id").push(last.keyword());
    sql.push(" LIMIT ").push_bind(i64::from(limit) + 1);
}

impl Direction {
    fn keyword(self) -> &'static str {
        match self {
            Self::Ascending => " ASC",
            Self::Descending => " DESC",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Column(&'static str);

    impl Key for Column {
        fn column(self) -> &'static str {
            self.0
        }
    }

    #[test]
    fn the_id_breaks_ties_in_the_direction_of_the_last_term() {
        let sort = [
            ("price", Direction::Ascending),
            ("name", Direction::Descending),
        ];
        let sort = sort.map(|(column, direction)| Sort {
            key: Column(column),
            direction,
        });
        let mut sql = QueryBuilder::new("");
        push_order(&mut sql, &sort, 20);
        let sql = sql.sql();
        let expected = " ORDER BY price ASC, name DESC, id DESC LIMIT ?";
        assert_eq!(sql.as_str(), expected);
    }

    #[test]
    fn one_item_more_than_fits_is_not_on_the_page() {
        let page = Page::new(vec![1, 2, 3], 2, None);
        assert_eq!((page.items, page.has_more), (vec![1, 2], true));
        assert!(!Page::new(vec![1, 2], 2, None).has_more);
    }
}
