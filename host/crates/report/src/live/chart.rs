//! Bars over the last seconds, one column a second, the latest on the right.

use bench_model::NEVER;
use ratatui::{buffer::Buffer, layout::Rect};

use super::{lines::cut, look::Look};
use crate::{
    format,
    now::{RunNow, Second, second_of},
    view::Tone,
};

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bar {
    second: i64,
    /// `None` when there is none; infinite when it never came.
    value: Option<f64>,
    /// A line to compare it with.
    wanted: Option<f64>,
    /// Whether something failed in it.
    failed: bool,
}

/// Answers a second, against what the schedule wanted.
pub(super) fn rates(now: &RunNow, look: Look, area: Rect, buf: &mut Buffer) {
    let bars = bars(now, area, |second| {
        let offered = (second.offered > 0.0).then_some(second.offered);
        (Some(second.answered as f64), offered)
    });
    let top = highest(&bars);
    let line = look.glyph("─", "-");
    let title = format!(" answers a second, {line} offered; top {}", format::rate(top));
    draw(&title, &bars, top, now, look, area, buf);
}

/// p99 of the response time of each second.
pub(super) fn latency(now: &RunNow, look: Look, area: Rect, buf: &mut Buffer) {
    let bars = bars(now, area, |second| {
        (second.p99.map(|p99| if p99 == NEVER { f64::INFINITY } else { p99 as f64 }), None)
    });
    let top = highest(&bars);
    let title = format!(" p99 of each second; top {}", format::duration(top));
    draw(&title, &bars, top, now, look, area, buf);
}

fn bars(now: &RunNow, area: Rect, of: impl Fn(&Second) -> (Option<f64>, Option<f64>)) -> Vec<Bar> {
    let last = now.seconds.last(second_of(now.now), usize::from(area.width));
    last.iter()
        .map(|(number, second)| {
            let (value, wanted) = of(second);
            Bar { second: *number, value, wanted, failed: second.failed > 0 }
        })
        .collect()
}

fn highest(bars: &[Bar]) -> f64 {
    let values = bars.iter().flat_map(|bar| [bar.value, bar.wanted]).flatten();
    values.filter(|value| value.is_finite()).fold(0.0, f64::max)
}

fn draw(title: &str, bars: &[Bar], top: f64, now: &RunNow, look: Look, area: Rect, buf: &mut Buffer) {
    if area.height < 2 || area.width == 0 {
        return;
    }
    buf.set_stringn(
        area.x,
        area.y,
        cut(title, usize::from(area.width), look),
        usize::from(area.width),
        look.faint(),
    );
    let rows = area.height - 1;
    for (x, bar) in (area.x..area.right()).zip(bars) {
        for row in 0..rows {
            let y = area.bottom() - 1 - row;
            let (symbol, style) = cell(bar, top, usize::from(row), usize::from(rows), look);
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }
    marks(bars, now, look, area, buf);
}

/// The cell in a row, counted from below.
fn cell(bar: &Bar, top: f64, row: usize, rows: usize, look: Look) -> (&'static str, ratatui::style::Style) {
    let eighths = |value: f64| {
        let share = if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
        // What is there shows, however little.
        ((share * (rows * 8) as f64).round() as usize).max(usize::from(value > 0.0))
    };
    let height = bar.value.filter(|value| value.is_finite()).map_or(0, eighths);
    let is_never = bar.value.is_some_and(f64::is_infinite);
    if row == 0 && (bar.failed || is_never) {
        return ("!", look.tone(Tone::Bad));
    }
    let level = height.saturating_sub(row * 8).min(8);
    let is_line = bar.wanted.is_some_and(|wanted| eighths(wanted).saturating_sub(1) / 8 == row);
    if is_line && level < 8 {
        return (look.glyph("─", "-"), look.tone(Tone::Plain));
    }
    (look.level(level), look.bar())
}

/// Numbers of marked moments, on top of their column.
fn marks(bars: &[Bar], now: &RunNow, look: Look, area: Rect, buf: &mut Buffer) {
    for (number, at) in &now.marks {
        let column = bars.iter().position(|bar| bar.second == second_of(*at));
        let Some(column) = column.and_then(|column| u16::try_from(column).ok()) else { continue };
        let x = area.x + column;
        let text = number.to_string();
        buf.set_stringn(x, area.y + 1, text, usize::from(area.right().saturating_sub(x)), look.mark());
    }
}
