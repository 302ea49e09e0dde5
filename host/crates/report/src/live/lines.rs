//! The texts of the live view, from the run as it is now.

use bench_model::{Histogram, NEVER, Phase};
use bench_results::Verdict;
use ratatui::{
    style::Style,
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use super::{
    board::{PodBoard, PodPhase},
    look::Look,
};
use crate::{
    format,
    now::{GateSoFar, Objects, Offered, RunNow, second_of, seconds, stop_line},
    sanitize::sanitize,
    view::Tone,
};

/// Below this width numbers take more lines, and words go.
const WIDE: u16 = 64;

/// A label with its value.
struct Field {
    label: &'static str,
    value: String,
    style: Style,
}

/// Which run, and where it is.
pub(super) fn header(now: &RunNow, look: Look, width: u16) -> Line<'static> {
    let title = &now.title;
    let phase = match now.phase() {
        None => "starting",
        Some(Phase::Setup) => "setting up",
        Some(Phase::Warmup) => "warming up",
        Some(Phase::Measure) => "measuring",
        Some(Phase::Settle) => "settling",
        Some(Phase::Teardown) => "cleaning up",
    };
    let deadline =
        title.deadline.map(|deadline| format!(" of at most {}", bench_model::format_duration(deadline)));
    let time = format!("{}{}", seconds(now.now), deadline.filter(|_| width >= WIDE).unwrap_or_default());
    let right = format!("{phase} {time} ");
    let mut left = format!(" {}", sanitize(&title.scenario));
    if width >= WIDE {
        left.push_str(&format!(" {} run {}", look.glyph("·", "-"), title.run));
    }
    let room = usize::from(width).saturating_sub(right.width() + 1);
    let long = format!("{left} {} {}", look.glyph("·", "-"), sanitize(&title.cluster));
    let left = if long.width() <= room { long } else { cut(&left, room, look) };
    let gap = usize::from(width).saturating_sub(left.width() + right.width());
    Line::from(format!("{left}{}{right}", " ".repeat(gap))).style(look.mark())
}

/// The numbers.
pub(super) fn numbers(now: &RunNow, board: &PodBoard, look: Look, width: u16) -> Vec<Line<'static>> {
    let load = load_fields(now, look);
    let lately = response(look, "last 10 s", "10 s", &now.seconds.lately(second_of(now.now)), width);
    let total = response(look, "all so far", "all", now.seconds.total(), width);
    let objects = object_fields(now, board);
    if width >= WIDE {
        return vec![fields(load, 5, look, width), lately, total, fields(objects, 3, look, width)];
    }
    let (first, second) = load.into_iter().enumerate().partition::<Vec<_>, _>(|(index, _)| *index < 2);
    let plain = |some: Vec<(usize, Field)>| some.into_iter().map(|(_, field)| field).collect::<Vec<_>>();
    vec![
        fields(plain(first), 2, look, width),
        fields(plain(second), 3, look, width),
        lately,
        fields(objects, 3, look, width),
    ]
}

fn load_fields(now: &RunNow, look: Look) -> Vec<Field> {
    let (_, failed) = now.queues.ended();
    let too_many = now.seconds.too_many();
    let offered = match now.queues.offered() {
        None => format::NONE.to_owned(),
        Some(Offered::Rate(rate)) => format::rate(rate),
        Some(Offered::Unpaced) => "unpaced".to_owned(),
    };
    let bad = |n: u64| if n > 0 { look.tone(Tone::Bad) } else { look.strong() };
    let field = |label, value, style| Field { label, value, style };
    vec![
        field("offered", offered, look.strong()),
        field("answered", format::rate((now.queues.achieved(now.now) * 10.0).round() / 10.0), look.strong()),
        field("in flight", format::count(now.queues.in_flight()), look.strong()),
        field("failed", format::count(failed), bad(failed)),
        field("429s", format::count(too_many), bad(too_many)),
    ]
}

/// Pods are counted where they are seen as they come; a measurement hands its values over in batches.
fn object_fields(now: &RunNow, board: &PodBoard) -> Vec<Field> {
    let Objects { created, ready, deleted } = now.objects;
    let (ready_now, gone) = (board.count(PodPhase::Ready), board.gone());
    let is_seen = gone > 0 || PodPhase::ALL.into_iter().any(|phase| board.count(phase) > 0);
    let ready = if is_seen { ("ready now", ready_now) } else { ("ready", ready) };
    let fields = [("created", created), ready, ("deleted", deleted.max(gone))];
    fields.map(|(label, n)| Field { label, value: format::count(n), style: Style::new() }).into()
}

/// Fields in columns of the same width.
fn fields(fields: Vec<Field>, columns: u16, look: Look, width: u16) -> Line<'static> {
    let room = usize::from(width / columns.max(1));
    let mut spans = Vec::new();
    for Field { label, value, style } in fields {
        let used = 2 + label.width() + value.width();
        spans.push(Span::styled(format!(" {label} "), look.faint()));
        spans.push(Span::styled(value, style));
        spans.push(Span::raw(" ".repeat(room.saturating_sub(used))));
    }
    Line::from(spans)
}

/// Response times of some operations.
fn response(look: Look, long: &str, short: &str, histogram: &Histogram, width: u16) -> Line<'static> {
    let at = |q: f64| match histogram.quantile(q) {
        None => format::NONE.to_owned(),
        Some((_, NEVER)) => format::NEVER.to_owned(),
        Some((_, high)) => format::duration(high as f64),
    };
    let what = if width >= WIDE { format!(" response, {long:<10} ") } else { format!(" {short:<4} ") };
    let mut spans = vec![Span::styled(what, look.faint())];
    for (name, q) in [("p50", 0.5), ("p99", 0.99)] {
        spans.push(Span::styled(format!(" {name} "), look.faint()));
        spans.push(Span::styled(format!("{:<9}", at(q)), look.strong()));
    }
    spans.push(Span::styled(format!(" n={}", format::count(histogram.count())), look.faint()));
    Line::from(spans)
}

/// A gate with its light.
pub(super) fn gate(text: &str, so_far: &GateSoFar, look: Look) -> Line<'static> {
    let (glyph, style) = look.verdict(so_far.verdict);
    let value = match so_far.value {
        None => "no data yet".to_owned(),
        Some((low, high)) => {
            let finite = |value: f64| value.is_finite().then_some(value);
            format!("{}  n={}", value_of(finite(low), finite(high), so_far), format::count(so_far.n))
        }
    };
    let few =
        if so_far.verdict == Verdict::NoData && so_far.value.is_some() { "  not enough yet" } else { "" };
    Line::from(vec![
        Span::styled(format!(" {glyph} "), style),
        Span::raw(sanitize(text)),
        Span::styled(format!("  {value}{few}"), look.faint()),
    ])
}

fn value_of(low: Option<f64>, high: Option<f64>, so_far: &GateSoFar) -> String {
    format::range(low, high, &sanitize(&so_far.unit))
}

/// All gates in one line, when there is no room for more.
pub(super) fn gates_in_short(gates: &[GateSoFar], look: Look) -> Line<'static> {
    let mut spans = vec![Span::styled(" gates ".to_owned(), look.faint())];
    for gate in gates {
        let (glyph, style) = look.verdict(gate.verdict);
        spans.push(Span::styled(format!("{glyph} "), style));
    }
    Line::from(spans)
}

/// What the keys do, or why the run stops.
pub(super) fn footer(now: &RunNow, look: Look, width: u16, can_scroll: bool) -> Line<'static> {
    if let Some(reason) = now.stopping {
        return Line::from(format!(" {}", stop_line(reason))).style(look.tone(Tone::Warning));
    }
    let mut keys = vec![("q", "stop"), ("m", "mark")];
    if can_scroll {
        keys.push((look.glyph("↑↓", "PgUp/PgDn"), "scroll"));
    }
    if width >= WIDE {
        keys.push(("g", "grid"));
    }
    keys.push(("?", "help"));
    let mut spans = Vec::new();
    for (key, what) in keys {
        spans.push(Span::styled(format!(" {key}"), look.strong()));
        spans.push(Span::styled(format!(" {what} "), look.faint()));
    }
    if let Some((number, at)) = now.marks.last().filter(|_| width >= WIDE) {
        spans.push(Span::raw(format!("  mark {number} at {}", seconds(*at))));
    }
    Line::from(spans)
}

/// What every key does, and what the glyphs mean.
const HELP: [&str; 8] = [
    " q, Ctrl-C  ends the load, keeps the record, removes what the run made;",
    "            once more leaves at once",
    " m          marks this moment: a numbered line in every chart of the report",
    " g          grid: a cell a pod, a cell a node, or what fits",
    " arrows, PgUp, PgDn, Home, End  scroll the grid",
    " Ctrl-L     draws everything anew",
    " ?          this help",
    " Gates show what they would say if the run ended now.",
];

/// The help.
pub(super) fn help(look: Look) -> Vec<Line<'static>> {
    let mut pods = vec![Span::raw(" Pods:  ")];
    for phase in PodPhase::ALL {
        let (glyph, style) = look.pod(Some(phase));
        pods.push(Span::styled(glyph, style));
        pods.push(Span::raw(format!(" {}  ", phase.as_str())));
    }
    HELP.into_iter().map(Line::from).chain([Line::from(pods)]).collect()
}

/// The text, cut to so many columns, with a sign that it was.
pub(super) fn cut(text: &str, width: usize, look: Look) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + 1 >= width {
            break;
        }
        short.push(c);
    }
    if width > 0 {
        short.push_str(look.glyph("…", "~"));
    }
    short
}
