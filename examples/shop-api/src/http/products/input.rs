//! Products as clients send them.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    domain::{Currency, Description, NewProduct, Price, ProductChanges, ProductName, Stock},
    http::{
        check::{Checker, Member, Unknown},
        error::Invalid,
    },
};

/// A product that is to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct CreateProduct {
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 1, max_length = 200, example = "Desk lamp")]
    name: Member<String>,
    #[serde(default)]
    #[schema(value_type = String, required, max_length = 4000, example = "Warm light, with a dimmer.")]
    description: Member<String>,
    /// In the currency's minor unit, such as cents.
    #[serde(default)]
    #[schema(value_type = i64, required, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 8400)]
    price_minor: Member<i64>,
    /// A currency in ISO 4217.
    #[serde(default)]
    #[schema(value_type = String, required, pattern = "^[A-Z]{3}$", example = "EUR")]
    currency: Member<String>,
    #[serde(default)]
    #[schema(value_type = i64, required, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 12)]
    stock: Member<i64>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// What to change in a product, as a JSON Merge Patch (RFC 7396). A member that is left out stays
/// as it is. None can be removed, so `null` is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct PatchProduct {
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: Member<String>,
    #[serde(default)]
    #[schema(value_type = String, max_length = 4000)]
    description: Member<String>,
    /// In the currency's minor unit, such as cents.
    #[serde(default)]
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    price_minor: Member<i64>,
    /// A currency in ISO 4217.
    #[serde(default)]
    #[schema(value_type = String, pattern = "^[A-Z]{3}$")]
    currency: Member<String>,
    #[serde(default)]
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 7)]
    stock: Member<i64>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl CreateProduct {
    /// The product, or everything that is wrong with it.
    pub(super) fn check(self) -> Result<NewProduct, Invalid> {
        let mut checker = Checker::default();
        let name = checker.required("name", self.name, ProductName::new);
        let description = checker.required("description", self.description, Description::new);
        let price = checker.required("priceMinor", self.price_minor, Price::new);
        let currency = checker.required("currency", self.currency, |code| Currency::new(&code));
        let stock = checker.required("stock", self.stock, Stock::new);
        checker.unknown(&self.unknown);
        let build = || {
            let (name, description) = (name?, description?);
            let (price, currency, stock) = (price?, currency?, stock?);
            Some(NewProduct {
                name,
                description,
                price,
                currency,
                stock,
            })
        };
        checker.finish(build())
    }
}

impl PatchProduct {
    /// The changes, or everything that is wrong with them.
    pub(super) fn check(self) -> Result<ProductChanges, Invalid> {
        let mut checker = Checker::default();
        let changes = ProductChanges {
            name: checker.optional("name", self.name, ProductName::new),
            description: checker.optional("description", self.description, Description::new),
            price: checker.optional("priceMinor", self.price_minor, Price::new),
            currency: checker.optional("currency", self.currency, |code| Currency::new(&code)),
            stock: checker.optional("stock", self.stock, Stock::new),
        };
        checker.unknown(&self.unknown);
        checker.finish(Some(changes))
    }
}
