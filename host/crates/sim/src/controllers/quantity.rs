//! Kubernetes quantities (`100m`, `1.5Gi`, `1e3`) as whole numbers.
//!
//! Follows `apimachinery/pkg/api/resource`: results are rounded up. Text that is no quantity gives `None`; what is
//! stored has passed the API server's validation, so callers take that for zero.

/// Reads a quantity in thousandths, as for `cpu`; too large values are cut off at `i64::MAX`.
pub(crate) fn milli(text: &str) -> Option<i64> {
    parse(text, 1000.0)
}

/// Reads a quantity in whole units, as for `memory` and `pods`.
pub(crate) fn whole(text: &str) -> Option<i64> {
    parse(text, 1.0)
}

fn parse(text: &str, scale: f64) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(split)?;
    let factor = factor(suffix)?;
    // Exact for what is usual: whole numbers with a whole factor.
    if let (Ok(number), true) = (number.parse::<i64>(), factor >= 1.0) {
        return Some(number.saturating_mul((factor * scale) as i64));
    }
    let number: f64 = number.parse().ok()?;
    // A product such as 0.1 × 1000 may lie a hair above the whole number that is meant.
    Some((number * factor * scale - 1e-6).ceil() as i64)
}

fn factor(suffix: &str) -> Option<f64> {
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            10f64.powi(power)
        }
    };
    Some(factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, in_milli: Option<i64>, in_whole: Option<i64>) {
        assert_eq!((milli(text), whole(text)), (in_milli, in_whole), "{text}");
    }

    #[test]
    fn the_usual_forms_are_read() {
        check("100m", Some(100), Some(1));
        check("2", Some(2000), Some(2));
        check("0.1", Some(100), Some(1));
        check("1.5Gi", Some(1_610_612_736_000), Some(1_610_612_736));
        check("128Mi", Some(134_217_728_000), Some(134_217_728));
        check("1e3", Some(1_000_000), Some(1000));
        check("9205592Ki", Some(9_426_526_208_000), Some(9_426_526_208));
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        check("", None, None);
        check("1Kib", None, None);
        check("many", None, None);
        check("é1", None, None);
    }

    proptest! {
        #[test]
        fn whole_numbers_of_milli_are_exact(n in 0i64..1_000_000_000) {
            prop_assert_eq!(milli(&format!("{n}m")), Some(n));
        }

        #[test]
        fn any_text_is_survived(text in ".{0,12}") {
            let _ = (milli(&text), whole(&text));
        }
    }
}
