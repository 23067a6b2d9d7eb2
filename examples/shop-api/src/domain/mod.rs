//! What a shop is, without HTTP, JSON or SQL.
//!
//! A value of one of these types keeps its rules: there is no `ProductName` of 300 characters, so
//! nobody behind the front door has to ask again.

mod attributes;
mod currency;
mod product;

pub use attributes::{BrokenRule, Description, Price, ProductName, Stock};
pub use currency::Currency;
pub use product::{NewProduct, Product, ProductChanges};
