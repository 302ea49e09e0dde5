//! Statistics of runs: plain arithmetic on plain numbers, checked against SciPy (`tests/vectors`).
//!
//! Within one run: [`order`] and [`batch`] say how sure a quantile is, [`steady`] whether a series settled,
//! [`turnbull`] what values known only between bounds most likely were. Between runs: [`ranks`] tests and
//! measures a difference, [`power`] says how many runs a difference needs. Formulas are named where they are
//! used; nothing here knows files, units or summaries.

pub(crate) mod batch;
pub(crate) mod order;
pub(crate) mod power;
pub(crate) mod ranks;
pub(crate) mod special;
pub(crate) mod steady;
pub(crate) mod turnbull;

#[cfg(test)]
mod tests;

/// Median of the finite and infinite numbers; `None` when there is none. The mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(middle.checked_sub(1)?)?;
    // Two infinities of one sign are that infinity, not an undefined difference.
    Some(if lower == upper { upper } else { lower + (upper - lower) / 2.0 })
}

/// Mean and standard deviation (n - 1); `None` for fewer than two.
pub(crate) fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    Some((mean, (squares / (n - 1.0)).sqrt()))
}
