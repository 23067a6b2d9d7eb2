//! A product and what may become of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Currency, Description, Price, ProductName, Stock};

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// UUIDv7, so newer products have larger ids.
    pub id: Uuid,
    /// What it is called.
    pub name: ProductName,
    /// What is said about it.
    pub description: Description,
    /// What one piece costs.
    pub price: Price,
    /// The currency of the price.
    pub currency: Currency,
    /// How many pieces there are.
    pub stock: Stock,
    /// 1 when created, one more with every change.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A product that is yet to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// What it is called.
    pub name: ProductName,
    /// What is said about it.
    pub description: Description,
    /// What one piece costs.
    pub price: Price,
    /// The currency of the price.
    pub currency: Currency,
    /// How many pieces there are.
    pub stock: Stock,
}

/// What to change in a product; `None` leaves the attribute as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductChanges {
    /// The new name.
    pub name: Option<ProductName>,
    /// The new description.
    pub description: Option<Description>,
    /// The new price.
    pub price: Option<Price>,
    /// The new currency.
    pub currency: Option<Currency>,
    /// The new stock.
    pub stock: Option<Stock>,
}

impl NewProduct {
    /// The first version of the product.
    pub fn create(self, id: Uuid, now: DateTime<Utc>) -> Product {
        Product {
            id,
            name: self.name,
            description: self.description,
            price: self.price,
            currency: self.currency,
            stock: self.stock,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

impl Product {
    /// The next version, or `None` when the changes leave everything as it is: a version that
    /// differs in nothing would make other writers' preconditions fail for no reason.
    pub fn changed(&self, changes: ProductChanges, now: DateTime<Utc>) -> Option<Self> {
        let current = self.clone();
        let next = Self {
            name: changes.name.unwrap_or(current.name),
            description: changes.description.unwrap_or(current.description),
            price: changes.price.unwrap_or(current.price),
            currency: changes.currency.unwrap_or(current.currency),
            stock: changes.stock.unwrap_or(current.stock),
            ..*self
        };
        // A clock that was set back must not make a change look older than what it changed.
        let updated_at = now.max(self.updated_at);
        (next != *self).then(|| Self {
            version: self.version + 1,
            updated_at,
            ..next
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lamp() -> Product {
        let lamp = NewProduct {
            name: ProductName::new("Desk lamp".to_owned()).expect("a name"),
            description: Description::new(String::new()).expect("a description"),
            price: Price::new(4900).expect("a price"),
            currency: Currency::new("EUR").expect("a currency"),
            stock: Stock::new(3).expect("a stock"),
        };
        lamp.create(Uuid::nil(), DateTime::UNIX_EPOCH)
    }

    fn later() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(60_000).expect("in range")
    }

    #[test]
    fn a_change_counts_the_version_up_and_keeps_the_rest() {
        let changes = ProductChanges {
            stock: Some(Stock::new(2).expect("a stock")),
            ..Default::default()
        };
        let changed = lamp().changed(changes, later()).expect("a change");
        let expected = Product {
            stock: Stock::new(2).expect("a stock"),
            version: 2,
            updated_at: later(),
            ..lamp()
        };
        assert_eq!(changed, expected);
    }

    #[test]
    fn what_changes_nothing_is_no_new_version() {
        let same = ProductChanges {
            price: Some(lamp().price),
            ..Default::default()
        };
        assert_eq!(lamp().changed(same, later()), None);
        assert_eq!(lamp().changed(ProductChanges::default(), later()), None);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_age_the_product() {
        let lamp = Product {
            updated_at: later(),
            ..lamp()
        };
        let changes = ProductChanges {
            stock: Some(Stock::new(0).expect("a stock")),
            ..Default::default()
        };
        let changed = lamp
            .changed(changes, DateTime::UNIX_EPOCH)
            .expect("a change");
        assert_eq!(changed.updated_at, later());
    }
}
