//! A catalogue to look at: 200 products, the same ones on every machine.

mod ranges;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::{Builder, Uuid};

use self::ranges::RANGES;
use super::{Store, StoreError, products};
use crate::domain::{
    BrokenRule, Currency, Description, NewProduct, Price, Product, ProductName, Stock,
};

impl Store {
    /// Fills the catalogue if nothing was ever in it, and returns how many products it made.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn create_demo_products(&self) -> Result<usize, StoreError> {
        // The question and the answer to it are one transaction: of two processes that start on
        // one empty database, the second finds the first one's products.
        let mut transaction = self.begin_write().await?;
        let empty = "SELECT NOT EXISTS (SELECT 1 FROM products)";
        if !sqlx::query_scalar::<_, bool>(empty)
            .fetch_one(&mut *transaction)
            .await?
        {
            return Ok(0);
        }
        let catalogue = catalogue().map_err(|error| sqlx::Error::Encode(error.into()))?;
        for product in &catalogue {
            products::insert(&mut *transaction, product).await?;
        }
        transaction.commit().await?;
        Ok(catalogue.len())
    }
}

/// All products, oldest first; neighbours are of different ranges.
fn catalogue() -> Result<Vec<Product>, BrokenRule> {
    (0..200).map(demo_product).collect()
}

fn demo_product(index: usize) -> Result<Product, BrokenRule> {
    let range = &RANGES[index % 5];
    let (thing, base_price, about_thing) = range.things[(index / 5) % 10];
    let (make, percent, about_make) = range.makes[index / 50];
    let noise = mixed(index);

    let product = NewProduct {
        name: ProductName::new(format!("{make} {thing}"))?,
        description: Description::new(format!("{about_thing} {about_make}"))?,
        price: Price::new(base_price * percent / 100 / 50 * 50)?,
        currency: Currency::new(range.currency)?,
        // One in eight is sold out.
        stock: Stock::new(if noise.is_multiple_of(8) {
            0
        } else {
            (noise >> 8) as i64 % 120 + 1
        })?,
    };
    let created_at =
        DateTime::UNIX_EPOCH + TimeDelta::seconds(FIRST_CREATED + index as i64 * SECONDS_BETWEEN);
    Ok(product.create(demo_id(created_at, noise), created_at))
}

fn demo_id(created_at: DateTime<Utc>, noise: u64) -> Uuid {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&noise.to_be_bytes());
    random[8..].copy_from_slice(&noise.to_le_bytes()[..2]);
    let millis = u64::try_from(created_at.timestamp_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// A number that looks random and is the same everywhere: one step of SplitMix64.
fn mixed(index: usize) -> u64 {
    let mut z = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 3 March 2025, 08:00 UTC.
const FIRST_CREATED: i64 = 1_740_988_800;
const SECONDS_BETWEEN: i64 = 31 * 3600 + 17 * 60;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_200_different_products_and_they_are_always_the_same() {
        let products = catalogue().expect("the demo keeps the rules");
        assert_eq!(products.len(), 200);
        let names: HashSet<_> = products
            .iter()
            .map(|product| product.name.as_str())
            .collect();
        let ids: HashSet<_> = products.iter().map(|product| product.id).collect();
        assert_eq!((names.len(), ids.len()), (200, 200));
        assert_eq!(products, catalogue().expect("the demo keeps the rules"));
        assert_eq!(products[0].name.as_str(), "Stoneware casserole");
        assert_eq!(
            products[0].created_at.to_rfc3339(),
            "2025-03-03T08:00:00+00:00"
        );
    }

    #[test]
    fn ids_are_uuids_of_version_7_in_the_order_of_creation() {
        let products = catalogue().expect("the demo keeps the rules");
        assert!(
            products
                .iter()
                .all(|product| product.id.get_version_num() == 7)
        );
        assert!(products.is_sorted_by(|a, b| a.id < b.id && a.created_at < b.created_at));
    }

    #[test]
    fn some_are_sold_out_and_most_are_not() {
        let products = catalogue().expect("the demo keeps the rules");
        let sold_out = products
            .iter()
            .filter(|product| product.stock.pieces() == 0)
            .count();
        assert!((10..50).contains(&sold_out), "{sold_out}");
    }
}
