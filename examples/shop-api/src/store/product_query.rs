//! What a list of products is asked for, and the SQL that it becomes.

use sqlx::{QueryBuilder, Sqlite};

use super::list::{Key, Sort, push_order};

/// A list of products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductQuery {
    /// Which products.
    pub filter: ProductFilter,
    /// In which order. The id, which no two products share, decides what the others leave open.
    pub sort: Vec<Sort<ProductKey>>,
    /// How many at most.
    pub limit: u32,
    /// Whether to count all that the filter lets through.
    pub total: bool,
}

/// Which products to list: those that meet every condition given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// The name contains this text; ASCII letters match in either case.
    pub name_contains: Option<String>,
    /// The price in minor units is at least this.
    pub min_price: Option<i64>,
    /// The price in minor units is at most this.
    pub max_price: Option<i64>,
    /// There is a piece on the shelf, or there is none.
    pub in_stock: Option<bool>,
}

/// What products can be sorted by. All of these are indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductKey {
    /// When it was created.
    CreatedAt,
    /// The number of minor units, whatever the currency.
    Price,
    /// The name, by code point.
    Name,
}

impl ProductQuery {
    /// The statement that selects `columns`, and one row more than the limit to see if there are more.
    pub(super) fn select(&self, columns: &'static str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("SELECT ");
        sql.push(columns);
        self.filter.push_to(&mut sql);
        push_order(&mut sql, &self.sort, self.limit);
        sql
    }

    /// The statement that counts.
    pub(super) fn count(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("SELECT count(*)");
        self.filter.push_to(&mut sql);
        sql
    }
}

impl ProductFilter {
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

impl Key for ProductKey {
    fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Price => "price_minor",
            Self::Name => "name",
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
}
