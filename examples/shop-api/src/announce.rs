//! What is said on stdout when the shop is open.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use crate::{auth::DEMO_USER, config::Config};

/// Says what a person wants to know, and what a script waits for.
///
/// # Errors
///
/// When stdout cannot be written to.
pub fn announce(address: SocketAddr, config: &Config) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let url = format!("http://{address}");
    writeln!(out, "listening on {url}")?;
    writeln!(out, "backed by {}", config.database)?;
    let (email, password) = DEMO_USER;
    if config.demo {
        writeln!(out, "demo user {email}, password {password}")?;
    }
    writeln!(out, "reference at {url}/docs; try:")?;
    writeln!(
        out,
        "  curl '{url}/v1/products?limit=3&sort=priceMinor&total=true'"
    )?;
    match config.demo {
        true => writeln!(
            out,
            "  curl '{url}/v1/auth/login' -H 'Content-Type: application/json' \
             -d '{{\"email\":\"{email}\",\"password\":\"{password}\"}}'"
        )?,
        false => writeln!(
            out,
            "  curl '{url}/v1/auth/register' -H 'Content-Type: application/json' \
             -d '{{\"email\":\"ada@shop.example\",\"password\":\"correct horse\",\"name\":\"Ada\"}}'"
        )?,
    }
    writeln!(out, "  curl -i '{url}/v1/products?limit=0'")?;
    out.flush()
}
