//! One line of a series after the other: what stood in each second.
//!
//! Reads the interval logs a second time, now that the quantiles of the whole are known: how many values
//! of each second were at or below them says how sure they are, the medians say whether the series settled.

use std::collections::{BTreeMap, HashMap, HashSet};

use bench_model::Histogram;

use super::load::{Loaded, LogFiles};
use crate::{
    read::interval_log::{self, IntervalLine},
    statistics::batch::SecondCount,
};

/// Which part of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) source: String,
    pub(crate) metric: String,
    /// Tags of its series, and whether their values stand for failures, which never come.
    pub(crate) tags: BTreeMap<String, bool>,
}

/// Which end of values that are known between bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Lower,
    Upper,
}

/// What stood in one second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Second {
    pub(crate) second: i64,
    /// All values, those that never came included.
    pub(crate) n: u64,
    /// How many were at or below each limit.
    below: Vec<u64>,
}

/// The median of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Median {
    pub(crate) second: i64,
    /// `None` when it never came.
    pub(crate) value: Option<u64>,
}

impl Second {
    /// For the limit of this position.
    pub(crate) fn count(&self, limit: usize) -> SecondCount {
        let below = self.below.get(limit).copied().unwrap_or(0);
        SecondCount { second: self.second, n: self.n, below }
    }
}

/// The seconds that have values, in order.
pub(crate) fn seconds(loaded: &Loaded, selection: &Selection, side: Side, limits: &[u64]) -> Vec<Second> {
    let of_second = |(second, InSecond { lines, mut never })| {
        let (mut came, mut below) = (0_u64, vec![0_u64; limits.len()]);
        for (line, lost) in lines {
            line.for_each(|value, n| match lost {
                true => never = n.saturating_add(never),
                false => {
                    came = came.saturating_add(n);
                    let within = below.iter_mut().zip(limits).filter(|(_, limit)| value <= **limit);
                    within.for_each(|(below, _)| *below = below.saturating_add(n));
                }
            });
        }
        Second { second, n: came.saturating_add(never), below }
    };
    let seconds = by_second(loaded, selection, side).into_iter().map(of_second);
    seconds.filter(|second| second.n > 0).collect()
}

/// The median of each second that has values, in order.
pub(crate) fn medians(loaded: &Loaded, selection: &Selection) -> Vec<Median> {
    let mut values: Vec<(u64, u64)> = Vec::new();
    let of_second = |(second, InSecond { lines, mut never })| {
        values.clear();
        for (line, lost) in lines {
            line.for_each(|value, n| match lost {
                true => never = n.saturating_add(never),
                false => values.push((value, n)),
            });
        }
        let n = values.iter().fold(never, |sum, (_, n)| sum.saturating_add(*n));
        (n > 0).then(|| Median { second, value: median(&mut values, n) })
    };
    by_second(loaded, selection, Side::Lower).into_iter().filter_map(of_second).collect()
}

/// What lies in one second.
#[derive(Default)]
pub(crate) struct InSecond<'a> {
    /// Lines, and whether their values stand for failures.
    pub(crate) lines: Vec<(IntervalLine<'a>, bool)>,
    /// How many never came.
    pub(crate) never: u64,
}

/// What lies in each second that has something, in order.
pub(crate) fn by_second<'a>(
    loaded: &'a Loaded,
    selection: &'a Selection,
    side: Side,
) -> BTreeMap<i64, InSecond<'a>> {
    let mut found: BTreeMap<i64, InSecond<'_>> = BTreeMap::new();
    for (line, lost) in lines(loaded, selection, side) {
        found.entry(line.second).or_default().lines.push((line, lost));
    }
    for (second, never) in missing(loaded, selection, side) {
        found.entry(second).or_default().never = never;
    }
    found
}

/// All values from a second on.
pub(crate) fn total_from(loaded: &Loaded, selection: &Selection, from: i64) -> Histogram {
    let mut total = interval_log::TagTotal::empty();
    let missing = missing(loaded, selection, Side::Lower);
    let mut never = missing.range(from..).fold(0_u64, |sum, (_, missing)| sum.saturating_add(*missing));
    for (line, lost) in lines(loaded, selection, Side::Lower).filter(|(line, _)| line.second >= from) {
        line.for_each(|value, n| match lost {
            true => never = never.saturating_add(n),
            false => total.add(value, n),
        });
    }
    total.into_histogram(never, 0)
}

fn log_files<'a>(loaded: &'a Loaded, selection: &Selection) -> Option<&'a LogFiles> {
    loaded.logs.get(&(selection.source.clone(), selection.metric.clone()))
}

/// The lines of the selection; of a second that has upper bounds these, when they are asked for.
fn lines<'a>(
    loaded: &'a Loaded,
    selection: &'a Selection,
    side: Side,
) -> impl Iterator<Item = (IntervalLine<'a>, bool)> {
    let files = log_files(loaded, selection);
    let upper = files.filter(|_| side == Side::Upper).into_iter().flat_map(|files| files.upper.lines());
    let bounded: HashSet<(&str, i64)> = upper.clone().map(|line| (line.tag, line.second)).collect();
    let lower = files.into_iter().flat_map(|files| files.lower.lines());
    let lower = lower.filter(move |line| !bounded.contains(&(line.tag, line.second)));
    lower.chain(upper).filter_map(|line| selection.tags.get(line.tag).map(|lost| (line, *lost)))
}

/// What never came, by second.
fn missing(loaded: &Loaded, selection: &Selection, side: Side) -> BTreeMap<i64, u64> {
    let stem = log_files(loaded, selection).map_or("", |files| files.stem.as_str());
    let mut sums = BTreeMap::new();
    let none = HashMap::new();
    for (tag, seconds) in loaded.missing.get(stem).unwrap_or(&none) {
        if !selection.tags.contains_key(tag) {
            continue;
        }
        for (second, missing, missing_upper) in seconds {
            let upper = if side == Side::Upper { *missing_upper } else { 0 };
            let sum: &mut u64 = sums.entry(*second).or_insert(0);
            *sum = sum.saturating_add(*missing).saturating_add(upper);
        }
    }
    sums
}

/// The value of the middle of `n`, of which those without a value are the highest.
fn median(values: &mut [(u64, u64)], n: u64) -> Option<u64> {
    let mut rank = n.div_ceil(2);
    let mut rest = values;
    while !rest.is_empty() {
        let (low, middle, high) = rest.select_nth_unstable(rest.len() / 2);
        let below = low.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let up_to = below.saturating_add(middle.1);
        if rank <= below {
            rest = low;
        } else if rank <= up_to {
            return Some(middle.0);
        } else {
            rank -= up_to;
            rest = high;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_median_is_what_stands_in_the_middle_of_all(
            mut values in prop::collection::vec((0_u64..50, 1_u64..5), 0..60), never in 0_u64..40,
        ) {
            let mut all: Vec<Option<u64>> =
                values.iter().flat_map(|&(value, n)| vec![Some(value); n as usize]).collect();
            all.sort_unstable();
            all.extend(vec![None; never as usize]);
            let expected = all.get(all.len().saturating_sub(1) / 2).copied().flatten();
            prop_assert_eq!(median(&mut values, all.len() as u64), expected);
        }
    }
}
