use std::time::Duration;

use buttress_ratelimit::{ClientIp, MemoryStore, Networks, Quota, RateLimiter};

use super::ConfigError;

/// How much may be asked for, and where a request comes from. No quota is no limit.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// `RATE_LIMIT`: what each caller may ask for.
    pub callers: Vec<Quota>,
    /// `LOGIN_RATE_LIMIT`: how often each address may try to register, log in and refresh, and how
    /// often logins with one e-mail address may fail.
    pub logins: Vec<Quota>,
    /// `TRUSTED_PROXIES` and `CLIENT_IP_HEADER`: who is believed where a request comes from.
    pub client_ip: ClientIp,
}

/// `off`, or quotas.
pub(super) fn quotas(name: &'static str, value: &str) -> Result<Vec<Quota>, ConfigError> {
    let allowed = "off, or up to 8 different quotas of COUNT/WINDOW, separated by commas, with \
        windows in s, m, h or d, like 100/1s,5000/1h";
    if value == "off" {
        return Ok(vec![]);
    }
    let quotas: Option<Vec<_>> = value.split(',').map(|text| quota(text.trim())).collect();
    quotas
        .filter(|quotas| make_a_limiter(quotas))
        .ok_or_else(|| ConfigError::new(name, value, allowed))
}

fn quota(text: &str) -> Option<Quota> {
    let (count, window) = text.split_once('/')?;
    let unit = window.chars().last()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let window = number(window.strip_suffix(unit)?)?;
    let window = Duration::from_secs(seconds.checked_mul(window.into())?);
    Some(Quota::per(number(count)?, window))
}

/// Rust reads `+5` too.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// What else can be wrong with them: one that allows nothing, two that are the same, too many.
fn make_a_limiter(quotas: &[Quota]) -> bool {
    let smallest = MemoryStore::new().with_max_keys(0);
    RateLimiter::with_memory(&smallest, quotas.iter().cloned()).is_ok()
}

pub(super) fn client_ip(proxies: &str, header: &str) -> Result<ClientIp, ConfigError> {
    let allowed = "networks by their first address, and single addresses, separated by commas, like \
        10.0.0.0/8,2001:db8::/32,192.0.2.1, but not all addresses there are";
    let proxies: Networks = proxies
        .parse()
        .map_err(|_| ConfigError::new("TRUSTED_PROXIES", proxies, allowed))?;
    let client_ip = ClientIp::behind(proxies);
    match header.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => Ok(client_ip),
        "forwarded" => Ok(client_ip.with_forwarded()),
        _ => {
            let allowed = "x-forwarded-for or forwarded";
            Err(ConfigError::new("CLIENT_IP_HEADER", header, allowed))
        }
    }
}
