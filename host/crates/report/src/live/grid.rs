//! The grid of nodes and pods: a cell a pod as long as that fits, else a cell a node.
//!
//! A cell a pod: every node has a row of places, which fill as its pods come and empty as they go. A cell a
//! node: how full it is, against the fullest place count of any node, in the colour of its pod that is furthest
//! from ready. What does not fit is scrolled.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use super::{
    board::{Node, PodBoard, PodPhase},
    lines::cut,
    look::Look,
};
use crate::format;

/// Columns for the name of a node.
const MAX_NAME: usize = 16;
/// Places of a node are rounded up to so many, so that the grid does not move with every pod.
const STEP: usize = 10;
/// A cell a pod while this many screens hold all nodes.
const SCREENS: usize = 2;

/// Which grid is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum GridKind {
    /// What fits.
    #[default]
    Auto,
    /// A cell a pod.
    Pods,
    /// A cell a node.
    Nodes,
}

impl GridKind {
    /// The next one.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Auto => Self::Pods,
            Self::Pods => Self::Nodes,
            Self::Nodes => Self::Auto,
        }
    }
}

/// How nodes are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    /// Whether a cell is a pod.
    of_pods: bool,
    /// Columns of a name with its blank.
    name: usize,
    /// Cells in a line of a node; with a cell a node, nodes in a line.
    cells: usize,
    /// Lines of a node.
    lines: usize,
    /// Nodes side by side.
    columns: usize,
    /// Lines of everything.
    rows: usize,
}

/// Whether a cell is a pod, on a screen of this size.
pub(super) fn is_of_pods(board: &PodBoard, kind: GridKind, screen: Rect) -> bool {
    match kind {
        GridKind::Pods => true,
        GridKind::Nodes => false,
        GridKind::Auto => layout(board, true, screen.width).rows <= usize::from(screen.height) * SCREENS,
    }
}

/// Lines that the grid would like to have.
pub(super) fn rows(board: &PodBoard, of_pods: bool, width: u16) -> usize {
    layout(board, of_pods, width).rows
}

fn layout(board: &PodBoard, of_pods: bool, width: u16) -> Layout {
    let (n, width) = (board.nodes().len(), usize::from(width));
    let (skip, longest) = names(board);
    let name = longest.saturating_sub(skip).min(MAX_NAME) + 1;
    let room = width.saturating_sub(name + 1).max(1);
    let places = board.capacity().next_multiple_of(STEP).max(STEP);
    let cells = places.min(room);
    let lines = places.div_ceil(cells);
    if !of_pods {
        return Layout { of_pods, name, cells: room, lines: 1, columns: 1, rows: n.div_ceil(room) };
    }
    let columns = (width.saturating_sub(1) / (name + cells + 2)).max(1);
    Layout { of_pods, name, cells, lines, columns, rows: n.div_ceil(columns) * lines }
}

/// How many bytes of all names are the same, up to a separator, and the longest name in columns.
fn names(board: &PodBoard) -> (usize, usize) {
    let mut nodes = board.nodes();
    let Some(first) = nodes.next().map(|node| node.name.as_str()) else { return (0, 0) };
    let mut common = first;
    let mut longest = first.width();
    for node in nodes.clone() {
        longest = longest.max(node.name.width());
        let same = common.char_indices().zip(node.name.chars()).find(|((_, a), b)| a != b);
        let end = same.map_or(common.len().min(node.name.len()), |((at, _), _)| at);
        common = common.get(..end).unwrap_or_default();
    }
    if nodes.len() == 0 {
        return (0, longest);
    }
    (common.rfind(['-', '.']).map_or(0, |at| at + 1), longest)
}

/// How many pods there are of each phase; with words where there is room for them.
pub(super) fn legend(board: &PodBoard, look: Look, width: u16) -> Line<'static> {
    let long = legend_with(board, look, true);
    if long.width() <= usize::from(width) { long } else { legend_with(board, look, false) }
}

fn legend_with(board: &PodBoard, look: Look, words: bool) -> Line<'static> {
    let nodes = board.nodes().len() as u64;
    let mut spans = vec![Span::styled(format!(" {}  ", format::counted(nodes, "node")), look.faint())];
    for phase in PodPhase::ALL.into_iter().filter(|phase| board.count(*phase) > 0) {
        let (glyph, style) = look.pod(Some(phase));
        let n = format::count(board.count(phase));
        let text = if words { format!(" {} {n}  ", phase.as_str()) } else { format!(" {n}  ") };
        spans.push(Span::styled(glyph, style));
        spans.push(Span::raw(text));
    }
    if board.gone() > 0 {
        spans.push(Span::styled(format!("gone {}", format::count(board.gone())), look.faint()));
    }
    Line::from(spans)
}

/// Draws the part that is scrolled to; returns how far one can scroll.
pub(super) fn draw(
    board: &PodBoard,
    of_pods: bool,
    scroll: usize,
    look: Look,
    area: Rect,
    buf: &mut Buffer,
) -> usize {
    if area.height == 0 || area.width == 0 {
        return 0;
    }
    if let Some(note) = board.note() {
        let text = cut(&format!(" {note}"), usize::from(area.width), look);
        buf.set_stringn(area.x, area.y, text, usize::from(area.width), look.faint());
        return 0;
    }
    let layout = layout(board, of_pods, area.width);
    let most = layout.rows.saturating_sub(usize::from(area.height));
    let nodes: Vec<&Node> = board.nodes().collect();
    let (skip, _) = names(board);
    let mut painter = Painter { nodes: &nodes, layout, skip, capacity: board.capacity(), look, area, buf };
    for (row, y) in (scroll.min(most)..layout.rows).zip(area.y..area.bottom()) {
        if layout.of_pods { painter.pods(row, y) } else { painter.nodes(row, y) }
    }
    most
}

/// What is drawn, and where.
struct Painter<'a> {
    nodes: &'a [&'a Node],
    layout: Layout,
    /// Bytes that all names begin with.
    skip: usize,
    /// Places of the node with the most of them.
    capacity: usize,
    look: Look,
    area: Rect,
    buf: &'a mut Buffer,
}

impl Painter<'_> {
    /// A line of nodes with a cell a pod.
    fn pods(&mut self, row: usize, y: u16) {
        let Layout { name, cells, lines, columns, .. } = self.layout;
        let (group, line) = (row / lines, row % lines);
        // Down the columns, as one reads a list.
        let per_column = self.nodes.len().div_ceil(columns).max(1);
        for column in 0..columns {
            let Some(node) = self.nodes.get(column * per_column + group).filter(|_| group < per_column)
            else {
                return;
            };
            let left = 1 + column * (name + cells + 2);
            if line == 0 {
                self.name(node, left, y);
            }
            let places = node.places.iter().copied().chain(std::iter::repeat(None));
            for (index, place) in places.skip(line * cells).take(cells).enumerate() {
                let (glyph, style) = self.look.pod(place);
                self.put(left + name + index, y, glyph, style);
            }
        }
    }

    /// A line of nodes with a cell each.
    fn nodes(&mut self, row: usize, y: u16) {
        let Layout { name, cells, .. } = self.layout;
        let here = self.nodes.iter().skip(row * cells).take(cells);
        for (index, node) in here.enumerate() {
            if index == 0 {
                self.name(node, 1, y);
            }
            let (empty, _) = self.look.pod(None);
            let (_, style) = self.look.pod(node.worst());
            let glyph = match node.pods() {
                0 => empty,
                // One pod shows, however many there could be.
                n => self.look.level((n * 8 / self.capacity.max(1)).max(1)),
            };
            self.put(1 + name + index, y, glyph, style);
        }
    }

    fn name(&mut self, node: &Node, left: usize, y: u16) {
        let name = node.name.get(self.skip..).filter(|rest| !rest.is_empty()).unwrap_or(&node.name);
        let text = cut(name, self.layout.name - 1, self.look);
        let left = u16::try_from(left).unwrap_or(u16::MAX);
        let room = usize::from(self.area.width.saturating_sub(left));
        if room > 0 {
            self.buf.set_stringn(self.area.x + left, y, text, room, self.look.faint());
        }
    }

    fn put(&mut self, left: usize, y: u16, glyph: &str, style: Style) {
        let Ok(left) = u16::try_from(left) else { return };
        if left >= self.area.width {
            return;
        }
        if let Some(cell) = self.buf.cell_mut((self.area.x + left, y)) {
            cell.set_symbol(glyph).set_style(style);
        }
    }
}
