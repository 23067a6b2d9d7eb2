//! Starts the shop: settings, log, database, keys, listener, in this order, and stops with a reason.

use std::{error::Error, process::ExitCode};

use buttress_jwt::{Algorithm, Clock, SigningKey};
use buttress_ratelimit::MemoryStore;
use shop_api::{
    announce::announce,
    auth::{Auth, AuthParts, Cost, Passwords, RootKeys, ensure_admin, ensure_demo_user},
    config::{Admin, Config, Database},
    http::{self, AppState, Limits},
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
    let store = open(&config.database).await?;
    let auth = auth(config, &store).await?;
    fill(config, &store, &auth).await?;

    let state = AppState {
        store: store.clone(),
        auth,
        limits: Limits::new(&config.limits, &MemoryStore::new())?,
    };
    let router = http::router(state)?;
    let listener = TcpListener::bind(config.bind_addr)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", config.bind_addr))?;
    announce(listener.local_addr()?, config)?;

    serve(listener, router, config.drain_timeout).await?;
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn open(database: &Database) -> Result<Store, String> {
    let Database::Sqlite(path) = database;
    let opened = Store::open(path).await;
    opened.map_err(|error| format!("{database} cannot be opened: {}", with_causes(&error)))
}

/// Signs people in, with the keys that are set or with others.
async fn auth(config: &Config, store: &Store) -> Result<Auth, Box<dyn Error>> {
    let signing_key = match &config.signing_key {
        Some(key) => key.clone(),
        None => {
            tracing::warn!(
                "JWT_SIGNING_KEY_FILE is not set: access tokens are good until this process ends, \
                 and for no other one"
            );
            SigningKey::generate(Algorithm::EdDSA)?
        }
    };
    let root_keys = match &config.root_keys {
        Some(keys) => keys.clone(),
        None => RootKeys::kept_in(store).await?,
    };
    let parts = AuthParts {
        signing_key,
        root_keys,
        passwords: Passwords::new(Cost::OWASP)?,
        clock: Clock::system(),
    };
    Ok(Auth::new(store, parts)?)
}

/// Makes what is to be there from the start.
async fn fill(config: &Config, store: &Store, auth: &Auth) -> Result<(), Box<dyn Error>> {
    if let Some(Admin { email, password }) = &config.admin {
        ensure_admin(store, auth, email, password).await?;
    }
    if config.demo {
        store.create_demo_products().await?;
        ensure_demo_user(store, auth).await?;
    }
    Ok(())
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
