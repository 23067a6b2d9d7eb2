//! Starts the shop: settings, log, database, listener, in this order, and stops with a reason.

use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

use shop_api::{
    config::{Config, Database, INSECURE_ADMIN},
    http::{self, AppState},
    logging,
    serve::serve,
    store::Store,
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::load() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    logging::init(config.log_format);
    match run(&config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(config: &Config) -> Result<(), Box<dyn Error>> {
    let Database::Sqlite(path) = &config.database;
    let store = Store::open(path).await.map_err(|error| {
        format!(
            "{} cannot be opened: {}",
            config.database,
            with_causes(&error)
        )
    })?;
    if config.demo {
        store.create_demo_products().await?;
    }

    let state = AppState {
        store: store.clone(),
        insecure_admin: config.insecure_admin,
    };
    let router = http::router(state)?;
    let listener = TcpListener::bind(config.bind_addr)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", config.bind_addr))?;
    announce(listener.local_addr()?, config)?;
    if config.insecure_admin {
        tracing::warn!("everybody who reaches this server may change products: {INSECURE_ADMIN}");
    }

    serve(listener, router, config.drain_timeout).await?;
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// What a person wants to know, and what a script waits for.
fn announce(address: SocketAddr, config: &Config) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let url = format!("http://{address}");
    writeln!(out, "listening on {url}")?;
    writeln!(out, "backed by {}", config.database)?;
    writeln!(out, "reference at {url}/docs; try:")?;
    writeln!(
        out,
        "  curl '{url}/v1/products?limit=3&sort=priceMinor&total=true'"
    )?;
    writeln!(
        out,
        "  curl '{url}/v1/products?q=lamp&inStock=true&fields=id,name,stock'"
    )?;
    writeln!(out, "  curl -i '{url}/v1/products?limit=0'")?;
    out.flush()
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
