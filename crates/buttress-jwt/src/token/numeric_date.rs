//! NumericDate (RFC 7519, section 2): seconds since 1970 as a JSON number, which may have a fraction.

use chrono::{DateTime, Utc};

/// To which side a time goes that falls between two nanoseconds: the one that accepts less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// For the end of a token.
    Down,
    /// For its beginning.
    Up,
}

/// The time that a JSON number stands for, exactly, without going through floating point.
///
/// `None` for what is negative and for what comes after the year 9999, where texts of times end.
pub(super) fn read(number: &str, round: Round) -> Option<DateTime<Utc>> {
    if number.starts_with('-') {
        return None;
    }
    if number.len() <= MAX_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return time(number.parse().ok()?, 0);
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, saturating(exponent)),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Where the point is once the exponent has moved it, counted from the first digit.
    let point = i64::try_from(whole.len()).ok()?.saturating_add(exponent);
    let mut nanoseconds: u128 = 0;
    let mut remainder = false;
    // A digit weighs 10^(point - 1 - at) seconds.
    for (digit, at) in whole.bytes().chain(fraction.bytes()).zip(1..) {
        let digit = digit - b'0';
        if digit == 0 {
            continue;
        }
        match u32::try_from(point.saturating_sub(at).saturating_add(9)) {
            Ok(power) if power <= 21 => nanoseconds += u128::from(digit) * 10_u128.pow(power),
            Ok(_) => return None,
            Err(_) if point.saturating_sub(at) < 0 => remainder = true,
            Err(_) => return None,
        }
    }
    if remainder && round == Round::Up {
        nanoseconds += 1;
    }
    let seconds = i64::try_from(nanoseconds / NANOSECONDS).ok()?;
    time(seconds, u32::try_from(nanoseconds % NANOSECONDS).ok()?)
}

const NANOSECONDS: u128 = 1_000_000_000;

/// Those of the last second of the year 9999.
const MAX_DIGITS: usize = 12;
const MAX_SECONDS: i64 = 253_402_300_799;

fn time(seconds: i64, nanoseconds: u32) -> Option<DateTime<Utc>> {
    if seconds > MAX_SECONDS {
        return None;
    }
    DateTime::from_timestamp(seconds, nanoseconds)
}

/// The exponent, or as much as moves every digit out of sight.
fn saturating(exponent: &str) -> i64 {
    let (sign, digits) = match exponent.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let size = digits.iter().fold(0_i64, |size, digit| {
        size.saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    size.saturating_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(number: &str) -> [Option<(i64, u32)>; 2] {
        [Round::Down, Round::Up].map(|round| {
            read(number, round).map(|time| (time.timestamp(), time.timestamp_subsec_nanos()))
        })
    }

    #[test]
    fn numbers_are_read_exactly() {
        for (number, seconds, nanoseconds) in [
            ("0", 0, 0),
            ("1700000000", 1_700_000_000, 0),
            ("253402300799", MAX_SECONDS, 0),
            ("253402300799.999999999", MAX_SECONDS, 999_999_999),
            ("0.5", 0, 500_000_000),
            ("1700000000.000000001", 1_700_000_000, 1),
            ("1700000000.123456789000", 1_700_000_000, 123_456_789),
            ("1.7e9", 1_700_000_000, 0),
            ("1.7E+9", 1_700_000_000, 0),
            ("17000000000e-1", 1_700_000_000, 0),
            ("0.0000000017e18", 1_700_000_000, 0),
            ("1e-9", 0, 1),
            ("0e999999999999999999999999", 0, 0),
            ("0.000e-99999999999999999999", 0, 0),
        ] {
            assert_eq!(both(number), [Some((seconds, nanoseconds)); 2], "{number}");
        }
        let long = format!("{}e-5000", "17".to_owned() + &"0".repeat(5008));
        assert_eq!(both(&long), [Some((1_700_000_000, 0)); 2]);
    }

    #[test]
    fn what_no_clock_shows_is_rounded_to_the_careful_side() {
        for number in [
            "7.0000000001",
            "7.00000000000000000000000000000000000000001",
            "70000000000000000001e-19",
        ] {
            assert_eq!(both(number), [Some((7, 0)), Some((7, 1))], "{number}");
        }
        assert_eq!(both("1e-400"), [Some((0, 0)), Some((0, 1))]);
        assert_eq!(
            both("1e-99999999999999999999"),
            [Some((0, 0)), Some((0, 1))]
        );
        assert_eq!(both("6.9999999999"), [Some((6, 999_999_999)), Some((7, 0))]);
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        for number in [
            "-1",
            "-0",
            "-0.0",
            "-1e-999",
            "253402300800",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "1e12",
            "1e18",
            "1e999",
            "1e9223372036854775807",
            "1e99999999999999999999",
            "253402300799.9999999999999999e1",
            "1700000000000",
        ] {
            assert_eq!(both(number), [None, None], "{number}");
        }
        assert_eq!(
            both("253402300799.9999999999"),
            [Some((MAX_SECONDS, 999_999_999)), None]
        );
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(4000))]

            /// However the point is moved, the time is the same.
            #[test]
            fn a_time_can_be_written_in_many_ways(
                seconds in 0..=MAX_SECONDS, nanoseconds in 0_u32..1_000_000_000, shift in -20_i32..20, zeros in 0_usize..5,
            ) {
                let digits = format!("{}{seconds:012}{nanoseconds:09}", "0".repeat(20));
                // Twenty zeros before and the twelve digits of the seconds, and the point moved by the shift.
                let point = usize::try_from(32 - shift).expect("positive").min(digits.len());
                let moved = 32 - i32::try_from(point).expect("small");
                let (whole, fraction) = digits.split_at(point);
                let whole = whole.trim_start_matches('0');
                let whole = if whole.is_empty() { "0" } else { whole };
                let text = format!("{whole}.{fraction}{}e{moved}", "0".repeat(zeros + 1));
                prop_assert_eq!(both(&text), [Some((seconds, nanoseconds)); 2], "{}", text);
            }

            /// Next to what floating point makes of it, and never before the beginning.
            #[test]
            fn floating_point_is_not_far_off(text in "(0|[1-9][0-9]{0,12})(\\.[0-9]{1,12})?(e[+-]?[0-9]{1,2})?") {
                let float: f64 = text.parse().expect("a number");
                let [down, up] = [Round::Down, Round::Up].map(|round| read(&text, round));
                if float < 253_402_300_798.0 {
                    let (down, up) = (down.expect("a time"), up.expect("a time"));
                    prop_assert!((down.timestamp_micros() as f64 / 1e6 - float).abs() < 0.001);
                    prop_assert!(down <= up && (up - down).num_nanoseconds() <= Some(1));
                } else if float > 253_402_300_801.0 {
                    prop_assert_eq!((down, up), (None, None));
                }
            }
        }
    }
}
