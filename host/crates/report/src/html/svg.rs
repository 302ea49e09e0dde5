//! Static charts, for readers without scripts and as a first picture.

use std::fmt::Write as _;

use bench_results::{RunHistory, SeriesBin, TotalQuantiles};
use serde::Serialize;

use super::timeline::user_marks;
use crate::format;

/// The charts as SVG; made of numbers alone, so that nothing needs escaping.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Drawings {
    rates: String,
    latency: String,
    curve: String,
}

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 10.0;

/// A line with its name; `None` interrupts it.
struct Line {
    name: &'static str,
    points: Vec<(f64, Option<f64>)>,
}

/// Axes: ends, and texts at places.
struct Frame {
    height: f64,
    x: (f64, f64),
    y: (f64, f64),
    x_texts: Vec<(f64, String)>,
    y_texts: Vec<(f64, String)>,
    /// Moments that somebody marked, with their numbers.
    marks: Vec<(f64, String)>,
}

pub(super) fn draw(history: &RunHistory) -> Drawings {
    let (bins, total, unit) = match (history.series.first(), history.operations.first()) {
        (Some(series), _) => (series.bins.as_slice(), &series.total, series.unit.as_str()),
        (None, Some(group)) => (group.response.as_slice(), &group.response_total, "ns"),
        (None, None) => return Drawings::default(),
    };
    Drawings { rates: rates(history), latency: latency(history, bins, unit), curve: curve(total, unit) }
}

fn time_texts(history: &RunHistory) -> Vec<(f64, String)> {
    let end = history.bins as f64 * history.bin_seconds as f64;
    (0..=5).map(|i| end * f64::from(i) / 5.0).map(|at| (at, format::duration((at * 1e9).round()))).collect()
}

fn marks(history: &RunHistory) -> Vec<(f64, String)> {
    user_marks(history).map(|(number, at)| (at.as_secs_f64(), number.to_string())).collect()
}

fn rates(history: &RunHistory) -> String {
    let sum = |of: fn(&bench_results::QueueHistory) -> &Vec<u64>| -> Vec<(f64, Option<f64>)> {
        (0..history.bins)
            .map(|bin| {
                let queues = history.queues.iter().filter(|queue| queue.counts);
                let n: u64 = queues.filter_map(|queue| of(queue).get(bin)).sum();
                let middle = (bin as f64 + 0.5) * history.bin_seconds as f64;
                (middle, Some(n as f64 / history.bin_seconds as f64))
            })
            .collect()
    };
    let lines = [
        Line { name: "due", points: sum(|queue| &queue.due) },
        Line { name: "sent", points: sum(|queue| &queue.sent) },
        Line { name: "answered", points: sum(|queue| &queue.answered) },
    ];
    let most = lines.iter().flat_map(|line| &line.points).filter_map(|(_, y)| *y).fold(1.0, f64::max);
    let frame = Frame {
        height: 200.0,
        x: (0.0, history.bins as f64 * history.bin_seconds as f64),
        y: (0.0, most * 1.05),
        x_texts: time_texts(history),
        y_texts: (0..=3).map(|i| most * f64::from(i) / 3.0).map(|y| (y, format::rate(y))).collect(),
        marks: marks(history),
    };
    svg(&frame, &lines)
}

/// Places on a logarithmic axis: powers of ten, or even steps when there is less than one.
fn decades(low: f64, high: f64, unit: &str) -> Vec<(f64, String)> {
    if high - low < 0.9 {
        let (from, to) = (10_f64.powf(low), 10_f64.powf(high));
        let rough = (to - from) / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|lead| lead * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough).max(1e-9);
        let first = (from / step).ceil() as i64;
        let values =
            (first..first.saturating_add(8)).map(|n| n as f64 * step).take_while(|value| *value <= to);
        return values.map(|value| (value.log10(), format::value(value, unit))).collect();
    }
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    (first..=last).map(|power| (f64::from(power), format::value(10_f64.powi(power), unit))).collect()
}

/// Ends of a logarithmic axis; one power of ten around a single value.
fn log_ends(lines: &[Line]) -> Option<(f64, f64)> {
    let values = lines.iter().flat_map(|line| &line.points).filter_map(|(_, y)| *y);
    let ends = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    (ends.0.is_finite()).then_some((ends.0 - 0.15, ends.1 + 0.15))
}

fn log(value: Option<u64>) -> Option<f64> {
    value.filter(|value| *value > 0).map(|value| (value as f64).log10())
}

fn latency(history: &RunHistory, bins: &[SeriesBin], unit: &str) -> String {
    let line = |name: &'static str, index: usize| Line {
        name,
        points: bins
            .iter()
            .enumerate()
            .map(|(bin, values)| {
                let middle = (bin as f64 + 0.5) * history.bin_seconds as f64;
                (middle, log(values.quantiles.get(index).copied().flatten()))
            })
            .collect(),
    };
    let lines = [line("p50", 0), line("p90", 1), line("p99", 2)];
    let Some(y) = log_ends(&lines) else { return String::new() };
    let frame = Frame {
        height: 240.0,
        x: (0.0, history.bins as f64 * history.bin_seconds as f64),
        y,
        x_texts: time_texts(history),
        y_texts: decades(y.0, y.1, unit),
        marks: marks(history),
    };
    svg(&frame, &lines)
}

fn curve(total: &TotalQuantiles, unit: &str) -> String {
    let last = (total.n.max(10) as f64).log10();
    let at = |q: f64| if q >= 1.0 { last } else { -(1.0 - q).log10() };
    let side = |name, of: fn(&bench_results::SpectrumPoint) -> Option<u64>| Line {
        name,
        points: total.points.iter().map(|point| (at(point.q), log(of(point)))).collect(),
    };
    let mut lines = vec![side("upper bound", |point| point.high)];
    if total.points.iter().any(|point| point.low != point.high) {
        lines.push(side("lower bound", |point| point.low));
    } else if let Some(line) = lines.first_mut() {
        line.name = "value";
    }
    let Some(y) = log_ends(&lines) else { return String::new() };
    let names = ["p0", "p90", "p99", "p99.9", "p99.99", "p99.999"];
    let x_texts = names.into_iter().zip(0_u32..).map(|(name, nines)| (f64::from(nines), name.to_owned()));
    let frame = Frame {
        height: 260.0,
        x: (0.0, last),
        y,
        x_texts: x_texts.filter(|(nines, _)| *nines <= last).collect(),
        y_texts: decades(y.0, y.1, unit),
        marks: Vec::new(),
    };
    svg(&frame, &lines)
}

fn svg(frame: &Frame, lines: &[Line]) -> String {
    let bottom = frame.height - 40.0;
    let x =
        |value: f64| LEFT + (value - frame.x.0) / (frame.x.1 - frame.x.0).max(1e-9) * (WIDTH - LEFT - 20.0);
    let y = |value: f64| bottom - (value - frame.y.0) / (frame.y.1 - frame.y.0).max(1e-9) * (bottom - TOP);
    let mut out = format!(
        "<svg class=\"static\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">",
        frame.height,
        names(lines)
    );
    for (value, text) in frame.y_texts.iter().filter(|(value, _)| (frame.y.0..=frame.y.1).contains(value)) {
        let at = y(*value);
        // Writing to a `String` cannot fail.
        let _ = write!(out, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{}\"/>", WIDTH - 20.0);
        let _ =
            write!(out, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>", LEFT - 8.0, at + 4.0);
    }
    for (value, text) in &frame.x_texts {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            x(*value),
            bottom + 16.0
        );
    }
    for (value, text) in &frame.marks {
        let _ = write!(out, "<path class=\"mark\" d=\"M{:.1} {TOP}V{bottom}\"/>", x(*value));
        let _ = write!(out, "<text x=\"{:.1}\" y=\"{:.1}\">{text}</text>", x(*value) + 4.0, TOP + 10.0);
    }
    for (index, line) in lines.iter().enumerate() {
        let _ = write!(out, "<path class=\"line l{}\" d=\"{}\"/>", index + 1, path(line, &x, &y));
        let at = LEFT + 110.0 * index as f64;
        let _ = write!(
            out,
            "<rect class=\"k{}\" x=\"{at}\" y=\"{}\" width=\"14\" height=\"3\"/>",
            index + 1,
            frame.height - 11.0
        );
        let _ = write!(out, "<text x=\"{}\" y=\"{}\">{}</text>", at + 20.0, frame.height - 6.0, line.name);
    }
    out.push_str("</svg>");
    out
}

fn names(lines: &[Line]) -> String {
    lines.iter().map(|line| line.name).collect::<Vec<_>>().join(", ")
}

/// A path that begins again after a gap; a lone point is drawn as a short stroke.
fn path(line: &Line, x: &impl Fn(f64) -> f64, y: &impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut pen = false;
    for (at, value) in &line.points {
        let Some(value) = value else {
            pen = false;
            continue;
        };
        let _ = write!(path, "{}{:.1} {:.1}", if pen { "L" } else { "M" }, x(*at), y(*value));
        if !pen {
            path.push_str("h0.1");
        }
        pen = true;
    }
    path
}
