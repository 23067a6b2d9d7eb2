//! Reading and writing products.

use sqlx::{Row, SqliteExecutor, sqlite::SqliteRow};
use uuid::{Uuid, fmt::Hyphenated};

use super::{
    Outcome, Page, ProductQuery, Store, StoreError,
    decode::{decoded, now, time},
};
use crate::domain::{
    Currency, Description, NewProduct, Price, Product, ProductChanges, ProductName, Stock,
};

const COLUMNS: &str =
    "id, name, description, price_minor, currency, stock, version, created_at, updated_at";

impl Store {
    /// One page of products, and their number if asked for, all from one moment.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn list_products(&self, query: &ProductQuery) -> Result<Page<Product>, StoreError> {
        let mut snapshot = self.pool.begin().await?;
        let rows = query
            .select(COLUMNS)
            .build()
            .fetch_all(&mut *snapshot)
            .await?;
        let total = match query.total {
            true => Some(
                query
                    .count()
                    .build_query_scalar()
                    .fetch_one(&mut *snapshot)
                    .await?,
            ),
            false => None,
        };
        snapshot.commit().await?;

        let products = rows.iter().map(product).collect::<Result<_, _>>()?;
        Ok(Page::new(products, query.limit, total))
    }

    /// The product with this id, unless it is deleted.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn product(&self, id: Uuid) -> Result<Option<Product>, StoreError> {
        find(&self.pool, id).await
    }

    /// Creates a product.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn create_product(&self, new: NewProduct) -> Result<Product, StoreError> {
        let product = new.create(Uuid::now_v7(), now());
        let mut transaction = self.begin_write().await?;
        insert(&mut *transaction, &product).await?;
        transaction.commit().await?;
        Ok(product)
    }

    /// Changes the product with this id, unless it is deleted or `check` refuses, and returns what
    /// it is now. Changes that change nothing are checked, too.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn change_product<E>(
        &self,
        id: Uuid,
        changes: ProductChanges,
        check: impl FnOnce(&Product) -> Result<(), E>,
    ) -> Result<Outcome<Product, E>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let Some(current) = find(&mut *transaction, id).await? else {
            return Ok(Outcome::Missing);
        };
        if let Err(refusal) = check(&current) {
            return Ok(Outcome::Refused(refusal));
        }
        let Some(next) = current.changed(changes, now()) else {
            return Ok(Outcome::Done(current));
        };
        sqlx::query(
            "UPDATE products SET name = ?, description = ?, price_minor = ?, currency = ?, \
             stock = ?, version = ?, updated_at = ? WHERE id = ?",
        )
        .bind(next.name.as_str())
        .bind(next.description.as_str())
        .bind(next.price.minor())
        .bind(next.currency.as_str())
        .bind(next.stock.pieces())
        .bind(next.version)
        .bind(next.updated_at.timestamp_millis())
        .bind(next.id.hyphenated())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Outcome::Done(next))
    }

    /// Deletes the product with this id, unless it is deleted already or `check` refuses. The row
    /// stays, since orders point at it.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delete_product<E>(
        &self,
        id: Uuid,
        check: impl FnOnce(&Product) -> Result<(), E>,
    ) -> Result<Outcome<(), E>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let Some(current) = find(&mut *transaction, id).await? else {
            return Ok(Outcome::Missing);
        };
        if let Err(refusal) = check(&current) {
            return Ok(Outcome::Refused(refusal));
        }
        sqlx::query("UPDATE products SET deleted_at = ? WHERE id = ?")
            .bind(now().timestamp_millis())
            .bind(id.hyphenated())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Outcome::Done(()))
    }
}

async fn find(executor: impl SqliteExecutor<'_>, id: Uuid) -> Result<Option<Product>, StoreError> {
    let row = sqlx::query(
        "SELECT id, name, description, price_minor, currency, stock, version, created_at, \
         updated_at FROM products WHERE id = ? AND deleted_at IS NULL",
    )
    .bind(id.hyphenated())
    .fetch_optional(executor)
    .await?;
    Ok(row.as_ref().map(product).transpose()?)
}

pub(super) async fn insert(
    executor: impl SqliteExecutor<'_>,
    product: &Product,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO products (id, name, description, price_minor, currency, stock, version, \
         created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(product.id.hyphenated())
    .bind(product.name.as_str())
    .bind(product.description.as_str())
    .bind(product.price.minor())
    .bind(product.currency.as_str())
    .bind(product.stock.pieces())
    .bind(product.version)
    .bind(product.created_at.timestamp_millis())
    .bind(product.updated_at.timestamp_millis())
    .execute(executor)
    .await?;
    Ok(())
}

/// A row as a product.
fn product(row: &SqliteRow) -> Result<Product, sqlx::Error> {
    Ok(Product {
        id: row.try_get::<Hyphenated, _>("id")?.into_uuid(),
        name: decoded("name", ProductName::new(row.try_get("name")?))?,
        description: decoded("description", Description::new(row.try_get("description")?))?,
        price: decoded("price_minor", Price::new(row.try_get("price_minor")?))?,
        currency: decoded("currency", Currency::new(row.try_get("currency")?))?,
        stock: decoded("stock", Stock::new(row.try_get("stock")?))?,
        version: row.try_get("version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
