//! What values known only between bounds most likely were: Turnbull's estimate (1976).
//!
//! Nonparametric maximum likelihood by expectation and maximisation on a grid. The interval of each value must
//! not depend on the value itself, and the ends of the intervals must be spread: stamps of whole seconds
//! with starts that are all at the same place of a second tell nothing below a second, and get no estimate.

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 400;
/// Most cells of the grid.
const MAX_CELLS: usize = 4000;
/// Fewest values between bounds.
const MIN_BETWEEN: u64 = 100;
/// Largest part of a second that no interval may end in.
const MAX_GAP_NS: u64 = 100_000_000;
/// Smallest cell.
const MIN_CELL_NS: u64 = 1_000_000;

/// So many values known to lie in `low..=high`; `high` may be [`u64::MAX`], which stands for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Between {
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) n: u64,
}

/// An estimated distribution.
#[derive(Debug, Clone)]
pub(crate) struct Estimated {
    /// Edges of the cells, one more than cells.
    edges: Vec<f64>,
    /// Mass of each cell.
    mass: Vec<f64>,
    total: f64,
}

impl Estimated {
    /// Quantile `q`, linear within a cell; `None` when it lies in what never came.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        let mut left = q.clamp(0.0, 1.0) * self.total;
        for (index, &mass) in self.mass.iter().enumerate() {
            let (from, to) = (*self.edges.get(index)?, *self.edges.get(index + 1)?);
            if left <= mass && mass > 0.0 {
                return Some(from + (to - from) * (left / mass));
            }
            left -= mass;
        }
        None
    }
}

/// Whether an estimate from stamps of whole seconds can be believed: enough values between bounds, whose ends
/// fall on all parts of a second.
pub(crate) fn is_identified(values: &[Between]) -> bool {
    let second = 1_000_000_000;
    let between: Vec<&Between> =
        values.iter().filter(|value| value.low < value.high && value.high != u64::MAX).collect();
    if between.iter().map(|value| value.n).sum::<u64>() < MIN_BETWEEN {
        return false;
    }
    let mut ends: Vec<u64> =
        between.iter().flat_map(|value| [value.low % second, value.high % second]).collect();
    ends.sort_unstable();
    let around = ends.first().zip(ends.last()).map_or(second, |(first, last)| first + second - last);
    let widest = ends.windows(2).filter_map(|pair| Some(pair.get(1)? - pair.first()?)).max().unwrap_or(0);
    widest.max(around) <= MAX_GAP_NS
}

/// The estimate; `None` when there is nothing finite.
pub(crate) fn estimate(values: &[Between], never: u64) -> Option<Estimated> {
    let finite = || values.iter().flat_map(|value| [value.low, value.high]).filter(|&end| end != u64::MAX);
    let (least, most) = (finite().min()?, finite().max()?);
    let cell = ((most - least) / MAX_CELLS as u64 + 1).max(MIN_CELL_NS);
    estimate_on(values, never, least, cell)
}

/// The estimate on a grid that begins at `least` with cells of width `cell`; the last cell is what is above all
/// finite ends.
fn estimate_on(values: &[Between], never: u64, least: u64, cell: u64) -> Option<Estimated> {
    let most =
        values.iter().flat_map(|value| [value.low, value.high]).filter(|&end| end != u64::MAX).max()?;
    let cells = usize::try_from((most - least) / cell).ok()? + 1;
    let index = |at: u64| usize::try_from(at.saturating_sub(least) / cell).unwrap_or(cells).min(cells);
    let mut ranges: Vec<(usize, usize, f64)> = values
        .iter()
        .map(|value| {
            let to = if value.high == u64::MAX { cells } else { index(value.high) };
            // A value that is known to be above `low` only may still be anything above it.
            (index(value.low), to, value.n as f64)
        })
        .collect();
    ranges.push((cells, cells, never as f64));
    ranges.retain(|(_, _, n)| *n > 0.0);
    let total: f64 = ranges.iter().map(|(_, _, n)| n).sum();
    let mass = maximise(&merged(ranges), cells + 1, total);
    let edges = (0..=cells).map(|edge| least as f64 + edge as f64 * cell as f64).collect();
    Some(Estimated { edges, mass: mass.into_iter().take(cells).collect(), total })
}

/// The same ranges once, with their numbers added.
fn merged(mut ranges: Vec<(usize, usize, f64)>) -> Vec<(usize, usize, f64)> {
    ranges.sort_by_key(|(from, to, _)| (*from, *to));
    let mut merged: Vec<(usize, usize, f64)> = Vec::new();
    for (from, to, n) in ranges {
        match merged.last_mut() {
            Some(last) if (last.0, last.1) == (from, to) => last.2 += n,
            _ => merged.push((from, to, n)),
        }
    }
    merged
}

/// `p_j ← Σ_i n_i 1[j in I_i] p_j / Σ_{k in I_i} p_k`, by sums up to each cell: a round costs cells + ranges.
fn maximise(ranges: &[(usize, usize, f64)], cells: usize, total: f64) -> Vec<f64> {
    let mut mass = vec![total / cells as f64; cells];
    let mut up_to = vec![0.0; cells + 1];
    let mut weight = vec![0.0; cells + 1];
    for _ in 0..ROUNDS {
        let mut sum = 0.0;
        for (slot, mass) in up_to.iter_mut().skip(1).zip(&mass) {
            sum += mass;
            *slot = sum;
        }
        weight.fill(0.0);
        for &(from, to, n) in ranges {
            let inside = up_to.get(to + 1).zip(up_to.get(from)).map_or(0.0, |(to, from)| to - from);
            if inside <= 0.0 {
                continue;
            }
            let share = n / inside;
            if let Some(start) = weight.get_mut(from) {
                *start += share;
            }
            if let Some(end) = weight.get_mut(to + 1) {
                *end -= share;
            }
        }
        let mut running = 0.0;
        for (mass, change) in mass.iter_mut().zip(&weight) {
            running += change;
            *mass *= running.max(0.0);
        }
    }
    mass
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(at: u64) -> Between {
        Between { low: at, high: at, n: 1 }
    }

    #[test]
    fn exact_values_are_their_own_estimate() {
        let values: Vec<Between> = (0..100).map(|ms| exact(ms * MIN_CELL_NS)).collect();
        let estimated = estimate(&values, 100).expect("values");
        let p25 = estimated.quantile(0.25).expect("came") / 1e6;
        assert!((p25 - 50.0).abs() <= 1.0, "{p25}");
        assert_eq!(estimated.quantile(0.6), None);
        assert!(estimate(&[], 5).is_none());
    }

    #[test]
    fn stamps_that_are_all_at_the_same_place_of_a_second_tell_nothing() {
        let at = |offset: u64| Between { low: offset, high: offset + 1_000_000_000, n: 1 };
        assert!(!is_identified(&vec![at(300_000_000); 1000]));
        let spread: Vec<Between> = (0..1000).map(|i| at(i * 1_000_000)).collect();
        assert!(is_identified(&spread));
        assert!(!is_identified(&spread[..99]));
    }
}
