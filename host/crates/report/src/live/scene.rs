//! The whole picture: which part is where, for any size of the terminal.
//!
//! Parts take lines in the order of what matters: the header, the numbers, the keys, a few lines of the grid,
//! gates, what happened, charts; then the grid takes what it needs, and the rest goes to charts and lines.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    board::PodBoard,
    chart,
    grid::{self, GridKind},
    lines,
    look::Look,
};
use crate::now::RunNow;

/// What the keys chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Chosen {
    pub(super) grid: GridKind,
    pub(super) scroll: usize,
    pub(super) help: bool,
}

/// Everything that a picture is made of.
pub(super) struct Scene<'a> {
    pub(super) now: &'a RunNow,
    pub(super) board: &'a PodBoard,
    pub(super) chosen: Chosen,
    pub(super) look: Look,
}

/// What the keys need to know of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Drawn {
    /// How far one can scroll.
    pub(super) most_scroll: usize,
    /// Lines of the grid that are seen.
    pub(super) page: usize,
}

/// Lines of each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Heights {
    header: u16,
    numbers: u16,
    charts: u16,
    gates: u16,
    /// With its legend.
    grid: u16,
    said: u16,
    footer: u16,
}

/// Charts side by side below this width would show nothing.
const TWO_CHARTS: u16 = 72;
/// Lines that charts would like, and those of what happened.
const CHART: u16 = 13;
const SAID: u16 = 12;

fn heights(scene: &Scene<'_>, area: Rect, n_numbers: u16, of_pods: bool) -> Heights {
    let mut left = area.height;
    let mut take = |wanted: u16| {
        let taken = wanted.min(left);
        left -= taken;
        taken
    };
    let header = take(1);
    let numbers = take(n_numbers);
    let footer = take(1);
    let mut grid = take(2);
    let n_gates = u16::try_from(scene.now.gates.len()).unwrap_or(u16::MAX);
    let mut gates = if n_gates == 0 { 0 } else { take(1) };
    grid += take(2);
    let mut said = take(2);
    gates += if gates > 0 { take((n_gates - 1).min(4)) } else { 0 };
    // A title and three lines: less says nothing.
    let mut charts = if left >= 4 {
        left -= 4;
        4
    } else {
        0
    };
    let mut take = |wanted: usize| {
        let taken = u16::try_from(wanted).unwrap_or(u16::MAX).min(left);
        left -= taken;
        taken
    };
    said += take(1);
    let rows = if scene.chosen.help {
        lines::help(scene.look).len()
    } else {
        grid::rows(scene.board, of_pods, area.width) + 1
    };
    grid += take(rows.saturating_sub(usize::from(grid)));
    gates += if gates > 0 { take(usize::from(n_gates.saturating_sub(gates))) } else { 0 };
    charts += if charts > 0 { take(usize::from(CHART - charts)) } else { 0 };
    let n_said = usize::try_from(scene.now.said.n()).unwrap_or(usize::MAX).min(usize::from(SAID));
    said += take(n_said.saturating_sub(usize::from(said)));
    grid += left;
    Heights { header, numbers, charts, gates, grid, said, footer }
}

/// Draws the picture.
pub(super) fn draw(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) -> Drawn {
    let Scene { now, look, .. } = scene;
    let numbers = lines::numbers(now, scene.board, *look, area.width);
    let n_numbers = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
    let of_pods = grid::is_of_pods(scene.board, scene.chosen.grid, area);
    let heights = heights(scene, area, n_numbers, of_pods);
    let mut y = area.y;
    let mut next = |height: u16| {
        let part = Rect { y, height, ..area };
        y += height;
        part
    };
    put(&[lines::header(now, *look, area.width)], next(heights.header), buf);
    put(&numbers, next(heights.numbers), buf);
    charts(scene, next(heights.charts), buf);
    gates(scene, next(heights.gates), buf);
    let drawn = pods(scene, of_pods, next(heights.grid), buf);
    said(scene, next(heights.said), buf);
    let footer = lines::footer(now, *look, area.width, drawn.most_scroll > 0);
    put(&[footer], next(heights.footer), buf);
    if !look.unicode {
        to_ascii(buf);
    }
    drawn
}

/// Replaces what came with names and units: microseconds, and letters of the user's own.
fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        match cell.symbol() {
            "µ" => cell.set_symbol("u"),
            symbol if !symbol.is_ascii() => cell.set_symbol("?"),
            _ => continue,
        };
    }
}

fn put(lines: &[Line<'_>], area: Rect, buf: &mut Buffer) {
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        buf.set_line(area.x, y, line, area.width);
    }
}

fn charts(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let (now, look) = (scene.now, scene.look);
    if area.width < TWO_CHARTS {
        return chart::rates(now, look, area, buf);
    }
    let half = area.width / 2;
    chart::rates(now, look, Rect { width: half - 1, ..area }, buf);
    chart::latency(now, look, Rect { x: area.x + half, width: area.width - half, ..area }, buf);
}

fn gates(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let (now, look) = (scene.now, scene.look);
    let so_far: Vec<_> = now.gates.iter().map(|gate| gate.so_far(&now.queues)).collect();
    if usize::from(area.height) < so_far.len() {
        return put(&[lines::gates_in_short(&so_far, look)], area, buf);
    }
    let lines: Vec<Line<'_>> =
        now.gates.iter().zip(&so_far).map(|(gate, so_far)| lines::gate(&gate.text, so_far, look)).collect();
    put(&lines, area, buf);
}

fn pods(scene: &Scene<'_>, of_pods: bool, area: Rect, buf: &mut Buffer) -> Drawn {
    let Scene { board, chosen, look, .. } = scene;
    if chosen.help {
        put(&lines::help(*look), area, buf);
        return Drawn::default();
    }
    let Some(page) = area.height.checked_sub(1) else { return Drawn::default() };
    put(&[grid::legend(board, *look, area.width)], area, buf);
    let below = Rect { y: area.y + 1, height: page, ..area };
    let most_scroll = grid::draw(board, of_pods, chosen.scroll, *look, below, buf);
    Drawn { most_scroll, page: usize::from(page) }
}

/// The last things that happened, the latest at the bottom.
fn said(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let look = scene.look;
    let height = u64::from(area.height);
    let last = scene.now.said.after(scene.now.said.n().saturating_sub(height));
    let lines: Vec<Line<'_>> = last
        .map(|said| {
            let text = lines::cut(&format!(" {}", said.line()), usize::from(area.width), look);
            Line::from(text).style(look.tone(said.tone))
        })
        .collect();
    put(&lines, area, buf);
}

#[cfg(test)]
mod tests;
