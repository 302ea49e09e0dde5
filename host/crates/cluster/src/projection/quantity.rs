//! Kubernetes quantities as whole numbers of a base unit.
//!
//! The base unit of CPU is a thousandth (`100m` is 100, `2` is 2000), of everything else one (`1Gi` is
//! 1073741824 bytes). Fractions of the base unit are rounded up, as `Quantity.Value` upstream does.

/// Reads a quantity; `None` when it is none, or outside the range of `i64`.
pub(super) fn parse(text: &str, is_cpu: bool) -> Option<i64> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = unsigned.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (mantissa, decimals) = decimal(number)?;
    let (base, exponent) = scale(suffix)?;
    let exponent = if base == 10 { exponent } else { 0 } - decimals + if is_cpu { 3 } else { 0 };
    let factor = if base == 2 { 1_i128.checked_shl(u32::try_from(scale(suffix)?.1).ok()?)? } else { 1 };
    let scaled = mantissa.checked_mul(factor)?;
    let magnitude = times_power_of_ten(scaled, exponent, is_negative)?;
    let value = if is_negative { -magnitude } else { magnitude };
    i64::try_from(value).ok().filter(|value| *value != i64::MIN)
}

/// Digits without the point, and how many of them stood behind it.
fn decimal(number: &str) -> Option<(i128, i32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = |start: i128, text: &str| {
        text.bytes().try_fold(start, |value, byte| {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            value.checked_mul(10)?.checked_add(digit)
        })
    };
    Some((digits(digits(0, whole)?, fraction)?, i32::try_from(fraction.len()).ok()?))
}

/// Base and exponent of a suffix.
fn scale(suffix: &str) -> Option<(u8, i32)> {
    Some(match suffix {
        "" => (10, 0),
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        _ => (
            10,
            suffix.strip_prefix(['e', 'E'])?.parse().ok().filter(|exponent: &i32| exponent.abs() <= 100)?,
        ),
    })
}

/// `value × 10^exponent`, rounded away from zero, or towards it when the whole is negative.
fn times_power_of_ten(value: i128, exponent: i32, is_negative: bool) -> Option<i128> {
    if value == 0 {
        return Some(0);
    }
    let power = 10_i128.checked_pow(exponent.unsigned_abs());
    if exponent >= 0 {
        return value.checked_mul(power?);
    }
    // A power that does not fit is larger than any value.
    let Some(power) = power else { return Some(i128::from(!is_negative)) };
    let rounded_down = value / power;
    let has_rest = value % power != 0;
    Some(rounded_down + i128::from(has_rest && !is_negative))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_read_in_their_base_unit() {
        for (text, expected) in [
            ("0", Some(0)),
            ("128", Some(128)),
            ("1Gi", Some(1 << 30)),
            ("1.5Gi", Some(3 << 29)),
            ("1G", Some(1_000_000_000)),
            ("100m", Some(1)),
            ("12e6", Some(12_000_000)),
            ("1E", Some(1_000_000_000_000_000_000)),
            ("-1500m", Some(-1)),
            ("10E", None),
            ("", None),
            (".", None),
            ("1X", None),
            ("1.2.3", None),
            ("--1", None),
        ] {
            assert_eq!(parse(text, false), expected, "{text}");
        }
    }

    #[test]
    fn cpu_counts_in_thousandths() {
        for (text, expected) in
            [("100m", Some(100)), ("2", Some(2000)), ("0.5", Some(500)), ("1500000n", Some(2))]
        {
            assert_eq!(parse(text, true), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_survive(value in -1_000_000_000_000_i64..1_000_000_000_000) {
            prop_assert_eq!(parse(&value.to_string(), false), Some(value));
            prop_assert_eq!(parse(&format!("{value}m"), true), Some(value));
        }

        #[test]
        fn nothing_makes_it_panic(text in r"[0-9.eEmnukMGTPi+\-]{0,45}|.{0,20}") {
            let _ = (parse(&text, false), parse(&text, true));
        }
    }
}
