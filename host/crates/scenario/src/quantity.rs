//! Sizes as Kubernetes writes them: `64Mi`, `2Gi`, `500k`.

/// Why a text is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// A number alone.
    #[error("`{text}` has no unit, write for example `{text}Mi`")]
    NoUnit {
        /// The text found.
        text: String,
    },
    /// Not of the form number-unit.
    #[error("`{text}` is not a size, write for example `64Mi` or `1Gi`")]
    Form {
        /// The text found.
        text: String,
    },
    /// More than 2⁶³ bytes.
    #[error("`{text}` is too large for a size")]
    TooLarge {
        /// The text found.
        text: String,
    },
}

/// Parses a size in bytes: Ki, Mi, Gi, Ti and k, M, G, T; decimals allowed, rounded up to whole bytes.
///
/// # Errors
/// When the unit is missing or unknown, or the size is no number below 2⁶³ bytes. `0` alone is fine.
pub fn parse_bytes(text: &str) -> Result<u64, QuantityError> {
    let form = || QuantityError::Form { text: text.to_owned() };
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| form())?;
    let factor = match unit {
        "" if number == 0.0 => 1.0,
        "" => return Err(QuantityError::NoUnit { text: text.to_owned() }),
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => f64::from(1 << 10),
        "Mi" => f64::from(1 << 20),
        "Gi" => f64::from(1 << 30),
        "Ti" => f64::from(1 << 20) * f64::from(1 << 20),
        _ => return Err(form()),
    };
    let bytes = (number * factor).ceil();
    if bytes >= 9.2e18 {
        return Err(QuantityError::TooLarge { text: text.to_owned() });
    }
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_needs_a_unit() {
        assert_eq!(parse_bytes("64Mi"), Ok(64 << 20));
        assert_eq!(parse_bytes("1.5Ki"), Ok(1536));
        assert_eq!(parse_bytes("2G"), Ok(2_000_000_000));
        assert_eq!(parse_bytes("0"), Ok(0));
        assert_eq!(parse_bytes("64"), Err(QuantityError::NoUnit { text: "64".to_owned() }));
        assert!(matches!(parse_bytes("64MB"), Err(QuantityError::Form { .. })));
        assert!(matches!(parse_bytes("99999999Ti"), Err(QuantityError::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(text in ".{0,40}") {
            let _ = parse_bytes(&text);
        }
    }
}
