//! What axum knows of a request.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, connect_info::MockConnectInfo};
use http::request::Parts;

/// The address of the peer, as `into_make_service_with_connect_info` or a test inserts it.
pub(crate) fn connect_info(parts: &Parts) -> Option<SocketAddr> {
    let extensions = &parts.extensions;
    match extensions.get::<ConnectInfo<SocketAddr>>() {
        Some(ConnectInfo(address)) => Some(*address),
        None => Some(extensions.get::<MockConnectInfo<SocketAddr>>()?.0),
    }
}
