//! ISO 4217.

use std::fmt;

use super::BrokenRule;

/// A currency by its ISO 4217 code, like `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(&'static str);

impl Currency {
    /// Looks up a code: three upper-case letters of an active currency.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(code: &str) -> Result<Self, BrokenRule> {
        match ACTIVE.binary_search(&code) {
            Ok(index) => Ok(Self(ACTIVE[index])),
            Err(_) => Err(BrokenRule::new(
                "UNKNOWN_CURRENCY",
                "must be the three upper-case letters of a currency in ISO 4217",
            )),
        }
    }

    /// The code.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The currencies that one can pay in, sorted. Metals, funds, bond units and codes for tests
/// (`XAU`, `CHE`, `XTS`, …) are left out: nobody's price is in them.
const ACTIVE: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD",
    "BIF", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF",
    "CLP", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN",
    "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD",
    "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES",
    "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL",
    "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN",
    "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP",
    "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK",
    "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT",
    "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED", "VES",
    "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_of_three_upper_case_letters() {
        assert!(ACTIVE.is_sorted_by(|a, b| a < b));
        for code in ACTIVE {
            assert!(
                code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()),
                "{code}"
            );
        }
    }

    #[test]
    fn only_codes_of_the_list_are_currencies() {
        for code in ["EUR", "USD", "JPY", "AED", "ZWG"] {
            assert_eq!(Currency::new(code).expect("a currency").as_str(), code);
        }
        for code in ["", "eur", "EURO", "EU", "XXX", "ABC", " EUR", "EUR\0"] {
            assert_eq!(
                Currency::new(code).expect_err("no currency").code,
                "UNKNOWN_CURRENCY"
            );
        }
    }
}
