#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod connection;
mod consequence;
mod reply;
mod script;

pub use client::RedisClient;
pub use connection::RedisConnection;
pub use reply::Reply;
pub use script::{Call, Script};
