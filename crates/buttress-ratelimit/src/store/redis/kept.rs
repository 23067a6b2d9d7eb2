//! What is kept of buckets: when each of them is full, its seconds in 5 bytes and its nanoseconds in 4.

use buttress_redis::Call;

use crate::{Levels, Quotas};

const SECOND: u64 = 1_000_000_000;

/// How many bytes are kept of a bucket.
const BUCKET: usize = 9;

/// Two arguments, since a number of Lua does not hold all nanoseconds.
pub(super) fn seconds_and_nanos(call: &mut Call<'_>, nanos: u64) {
    call.arg(nanos / SECOND).arg(nanos % SECOND);
}

/// Whether `charge.lua` can reckon with these quotas: its numbers hold whole nanoseconds up to 2^53.
pub(super) fn fits(quotas: &Quotas) -> bool {
    let mut rates = quotas.rates().iter();
    rates.all(|rate| rate.deepest() <= 1 << 52)
}

/// So many charges, as `charge.lua` takes them.
pub(super) fn charges(quotas: &Quotas, cost: u32, count: u32) -> Vec<u8> {
    let mut packed = Vec::with_capacity(4 + 25 * quotas.len());
    packed.extend_from_slice(&count.to_be_bytes());
    for (quota, rate) in quotas.iter().zip(quotas.rates()) {
        let price = rate.price(cost);
        // No bucket has more than a capacity, which is no more than what fits.
        let room = rate.capacity().checked_sub(price);
        let room = room.map_or(-1, |room| i64::try_from(room).unwrap_or(i64::MAX));
        packed.extend_from_slice(&rate.deepest().to_be_bytes());
        packed.extend_from_slice(&room.to_be_bytes());
        packed.extend_from_slice(&price.to_be_bytes());
        packed.push(u8::from(quota.is_shadow()));
    }
    packed
}

pub(super) fn time(seconds: u64, micros: u64) -> u64 {
    seconds.saturating_mul(SECOND).saturating_add(micros * 1000)
}

/// What is missing of the buckets now. `None` if it is something else that is kept.
pub(super) fn missing(value: Option<&[u8]>, quotas: &Quotas, now: u64) -> Option<Levels> {
    let Some(value) = value else {
        return Some(Levels::full(quotas.len()));
    };
    if value.len() != BUCKET * quotas.len() {
        return None;
    }
    let times = value.chunks_exact(BUCKET);
    let rates = quotas.rates().iter();
    Some(
        rates
            .zip(times)
            .map(|(rate, time)| rate.missing(read(time), now))
            .collect(),
    )
}

/// What is kept, and for how many milliseconds.
pub(super) fn write(missing: &[u64], now: u64) -> (Vec<u8>, u64) {
    let mut kept = Vec::with_capacity(BUCKET * missing.len());
    for missing in missing {
        let time = now.saturating_add(*missing);
        let [_, _, _, seconds @ ..] = (time / SECOND).to_be_bytes();
        let [_, _, _, _, nanos @ ..] = (time % SECOND).to_be_bytes();
        kept.extend_from_slice(&seconds);
        kept.extend_from_slice(&nanos);
    }
    let slowest = missing.iter().max().copied().unwrap_or(0);
    (kept, slowest.div_ceil(1_000_000))
}

/// More seconds than there are nanoseconds for were written by somebody else, and are as far away as can be.
fn read(time: &[u8]) -> u64 {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let (seconds, nanos) = time.split_at(5);
    number(seconds)
        .saturating_mul(SECOND)
        .saturating_add(number(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quota;

    #[test]
    fn what_is_written_is_read() {
        let quotas = [Quota::per_second(1), Quota::per_day(3).burst(5)];
        let quotas = Quotas::new(quotas).expect("quotas");
        let now = time(1_700_000_000, 123_456);
        assert_eq!(now, 1_700_000_000_123_456_000);
        for levels in [[0, 0], [999_999_999, 144_000_000_000_000], [1, 0]] {
            let (value, millis) = write(&levels, now);
            assert_eq!(value.len(), 18);
            let read = missing(Some(&value), &quotas, now);
            assert_eq!(read.as_deref(), Some(&levels[..]));
            assert_eq!(millis, levels[0].max(levels[1]).div_ceil(1_000_000));
        }
        assert_eq!(missing(None, &quotas, now).as_deref(), Some(&[0, 0][..]));
        for nonsense in ["", "1", "123456789", "1234567890123456789"] {
            let read = missing(Some(nonsense.as_bytes()), &quotas, now);
            assert_eq!(read, None, "{nonsense:?}");
        }
    }
}
