//! What a list of products is asked for, and the SQL that it becomes.

use sqlx::{QueryBuilder, Sqlite};

use crate::domain::Product;

/// A list of products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Which products.
    pub filter: Filter,
    /// In which order. The id, which no two products share, decides what the others leave open.
    pub sort: Vec<Sort>,
    /// How many at most.
    pub limit: u32,
    /// Whether to count all that the filter lets through.
    pub total: bool,
}

/// Which products to list: those that meet every condition given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The name contains this text; ASCII letters match in either case.
    pub name_contains: Option<String>,
    /// The price in minor units is at least this.
    pub min_price: Option<i64>,
    /// The price in minor units is at most this.
    pub max_price: Option<i64>,
    /// There is a piece on the shelf, or there is none.
    pub in_stock: Option<bool>,
}

/// One term of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// What to compare.
    pub key: SortKey,
    /// Which way round.
    pub direction: Direction,
}

/// What products can be sorted by. All of these are indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// When it was created.
    CreatedAt,
    /// The number of minor units, whatever the currency.
    Price,
    /// The name, by code point.
    Name,
}

/// Smallest or largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The answer to a [`ListQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The products, in order.
    pub products: Vec<Product>,
    /// Whether there are more than the limit allowed for.
    pub has_more: bool,
    /// How many the filter lets through, when that was asked for.
    pub total: Option<i64>,
}

impl ListQuery {
    /// The statement that selects `columns`, and one row more than the limit to see if there are more.
    pub(super) fn select(&self, columns: &'static str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("SELECT ");
        sql.push(columns);
        self.filter.push_to(&mut sql);
        sql.push(" ORDER BY ");
        for sort in &self.sort {
            sql.push(sort.key.column())
                .push(sort.direction.keyword())
                .push(", ");
        }
        // In the direction of the last term, so that an index on both can be read backwards too.
        let last = self
            .sort
            .last()
            .map_or(Direction::Ascending, |sort| sort.direction);
        sql.push("id").push(last.keyword());
        sql.push(" LIMIT ").push_bind(i64::from(self.limit) + 1);
        sql
    }

    /// The statement that counts.
    pub(super) fn count(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("SELECT count(*)");
        self.filter.push_to(&mut sql);
        sql
    }
}

impl Filter {
    fn push_to(&self, sql: &mut QueryBuilder<Sqlite>) {
        sql.push(" FROM products WHERE deleted_at IS NULL");
        if let Some(text) = &self.name_contains {
            sql.push(" AND name LIKE ")
                .push_bind(like_contains(text))
                .push(r" ESCAPE '\'");
        }
        if let Some(price) = self.min_price {
            sql.push(" AND price_minor >= ").push_bind(price);
        }
        if let Some(price) = self.max_price {
            sql.push(" AND price_minor <= ").push_bind(price);
        }
        match self.in_stock {
            Some(true) => _ = sql.push(" AND stock > 0"),
            Some(false) => _ = sql.push(" AND stock = 0"),
            None => {}
        }
    }
}

impl SortKey {
    fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Price => "price_minor",
            Self::Name => "name",
        }
    }
}

impl Direction {
    fn keyword(self) -> &'static str {
        match self {
            Self::Ascending => " ASC",
            Self::Descending => " DESC",
        }
    }
}

/// The LIKE pattern of "contains": what LIKE reads as a wildcard stands for itself.
fn like_contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_themselves() {
        assert_eq!(like_contains("lamp"), "%lamp%");
        assert_eq!(like_contains(r"100%_\"), r"%100\%\_\\%");
    }

    #[test]
    fn the_id_breaks_ties_in_the_direction_of_the_last_term() {
        let sort = vec![
            Sort {
                key: SortKey::Price,
                direction: Direction::Ascending,
            },
            Sort {
                key: SortKey::Name,
                direction: Direction::Descending,
            },
        ];
        let sql = ListQuery {
            sort,
            limit: 20,
            ..Default::default()
        }
        .select("id");
        let sql = sql.sql();
        let sql = sql.as_str();
        assert!(
            sql.ends_with("ORDER BY price_minor ASC, name DESC, id DESC LIMIT ?"),
            "{sql}"
        );
    }
}
