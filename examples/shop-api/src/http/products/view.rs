//! Products as clients see them.

use buttress_preconditions::ETag;
use buttress_problem::axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::query::Fields;
use crate::{domain::Product, store::Page};

/// A product of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Product)]
pub(in crate::http) struct ProductView {
    /// A UUIDv7.
    id: Uuid,
    #[schema(example = "Desk lamp")]
    name: String,
    #[schema(example = "Warm light, with a dimmer.")]
    description: String,
    /// In the currency's minor unit, such as cents.
    #[schema(example = 8400)]
    price_minor: i64,
    /// A currency in ISO 4217.
    #[schema(example = "EUR")]
    currency: &'static str,
    /// How many pieces there are.
    #[schema(example = 12)]
    stock: i64,
    /// 1 when created, one more with every change.
    #[schema(example = 1)]
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// One page of products.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ProductList {
    /// The products, with the members that `fields` asked for.
    #[schema(value_type = Vec<ProductView>)]
    data: Vec<Item>,
    pagination: Pagination,
}

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
    /// How many products the filters let through; only with `total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 200)]
    total: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Item {
    Whole(ProductView),
    Sparse(Map<String, Value>),
}

/// The tag of what [`ProductView`] shows of a product. A release that shows the same version in
/// another way has to give it a variant here, or clients keep what they have.
pub(super) fn tag(product: &Product) -> ETag {
    ETag::from_version(product.version)
}

impl ProductView {
    /// A product and its tag, as they are answered with.
    pub(super) fn tagged(product: Product) -> (ETag, Json<Self>) {
        (tag(&product), Json(product.into()))
    }
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            name: product.name.as_str().to_owned(),
            description: product.description.as_str().to_owned(),
            price_minor: product.price.minor(),
            currency: product.currency.as_str(),
            stock: product.stock.pieces(),
            version: product.version,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

impl ProductList {
    /// The page, each product cut down to `fields`.
    pub(super) fn new(page: Page, limit: u32, fields: Option<&Fields>) -> Self {
        let data = page
            .products
            .into_iter()
            .map(|product| Item::new(product.into(), fields));
        Self {
            data: data.collect(),
            pagination: Pagination {
                limit,
                has_more: page.has_more,
                next_cursor: None,
                prev_cursor: None,
                total: page.total,
            },
        }
    }
}

impl Item {
    fn new(product: ProductView, fields: Option<&Fields>) -> Self {
        match (fields, serde_json::to_value(&product)) {
            (Some(fields), Ok(Value::Object(mut members))) => {
                members.retain(|name, _| fields.contains(name));
                Self::Sparse(members)
            }
            _ => Self::Whole(product),
        }
    }
}
