//! What a shop is, without HTTP, JSON or SQL.
//!
//! A value of one of these types keeps its rules: there is no `ProductName` of 300 characters, so
//! nobody behind the front door has to ask again.

mod attributes;
mod credentials;
mod currency;
mod product;
mod rule;
mod user;

pub use attributes::{Description, Price, ProductName, Stock};
pub use credentials::{Email, Password, PasswordHash};
pub use currency::Currency;
pub use product::{NewProduct, Product, ProductChanges};
pub use rule::{BrokenRule, without_nul};
pub use user::{DeviceName, NewUser, Role, User, UserName};
