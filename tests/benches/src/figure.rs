//! Figures of several rounds, their targets, and the table of them.

use std::fmt;

use serde::Serialize;

/// The figures of one row.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// What was measured.
    title: String,
    /// `release`, or `dev` when checks for developers are in.
    profile: &'static str,
    rounds: usize,
    figures: Vec<Figure>,
}

/// One figure: the smallest, the middle and the largest of all rounds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figure {
    what: String,
    unit: &'static str,
    min: f64,
    median: f64,
    max: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
}

/// What a figure should be; one round that was disturbed does not decide about times, but it does about memory
/// and counts.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// The median is at most this.
    AtMost(f64),
    /// The median is at least this.
    AtLeast(f64),
    /// The largest is at most this.
    NeverOver(f64),
    /// All are this.
    Always(f64),
}

impl Table {
    /// A table without figures.
    pub fn new(title: &str, rounds: usize) -> Self {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        Self { title: title.to_owned(), profile, rounds, figures: Vec::new() }
    }

    /// Adds a figure that has no target.
    pub fn add(&mut self, what: &str, unit: &'static str, values: &[f64]) {
        self.push(what, unit, values, None);
    }

    /// Adds a figure and judges it.
    pub fn judge(&mut self, what: &str, unit: &'static str, values: &[f64], target: Target) {
        self.push(what, unit, values, Some(target));
    }

    fn push(&mut self, what: &str, unit: &'static str, values: &[f64], target: Option<Target>) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let (min, median, max) = (at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1)));
        let met = target.map(|target| match target {
            Target::AtMost(limit) => median <= limit,
            Target::AtLeast(limit) => median >= limit,
            Target::NeverOver(limit) => max <= limit,
            Target::Always(value) => min == value && max == value,
        });
        let target = target.map(|target| target.to_string());
        self.figures.push(Figure { what: what.to_owned(), unit, min, median, max, target, met });
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "median ≤ {}", short(*limit)),
            Self::AtLeast(limit) => write!(f, "median ≥ {}", short(*limit)),
            Self::NeverOver(limit) => write!(f, "max ≤ {}", short(*limit)),
            Self::Always(value) => write!(f, "always {}", short(*value)),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n### {} (profile {}, {} rounds)\n", self.title, self.profile, self.rounds)?;
        writeln!(f, "| what | min | median | max | target | met |\n|---|---|---|---|---|---|")?;
        for figure in &self.figures {
            let Figure { what, unit, min, median, max, target, met } = figure;
            let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
            let target = target.as_deref().unwrap_or("");
            let met = met.map_or("", |met| if met { "yes" } else { "**no**" });
            let [min, median, max] = [min, median, max].map(|value| short(*value));
            writeln!(f, "| {what}{unit} | {min} | {median} | {max} | {target} | {met} |")?;
        }
        Ok(())
    }
}

/// Three significant digits, or all of a whole number.
fn short(value: f64) -> String {
    if value == value.trunc() || value.abs() >= 100.0 {
        return format!("{value:.0}");
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    format!("{value:.*}", usize::try_from(digits.clamp(0, 9)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbed_round_does_not_decide_about_a_time() {
        let mut table = Table::new("times", 3);
        table.judge("a", "s", &[9.0, 1.0, 1.234_5], Target::AtMost(1.5));
        table.judge("b", "MiB", &[9.0, 1.0, 1.2], Target::NeverOver(8.0));
        let text = table.to_string();
        assert!(text.contains("| a, s | 1 | 1.23 | 9 | median ≤ 1.50 | yes |"), "{text}");
        assert!(text.contains("| b, MiB | 1 | 1.20 | 9 | max ≤ 8 | **no** |"), "{text}");
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([0.012_345, 1.5, 123.4, 5_000.0].map(short), ["0.0123", "1.50", "123", "5000"]);
    }
}
