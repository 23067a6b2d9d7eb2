//! Products as clients see them.

use buttress_preconditions::ETag;
use buttress_problem::axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::Product,
    http::list::{self, Fields, Item, Pagination},
    store::Page,
};

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
    data: Vec<Item<ProductView>>,
    pagination: Pagination,
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
    pub(super) fn new(page: Page<Product>, limit: u32, fields: Option<&Fields>) -> Self {
        let (data, pagination) = list::page(page, limit, fields);
        Self { data, pagination }
    }
}
