// Line charts with one cursor for all of them, phases shaded, what happened marked.
const SYNC = "run";
const charts = new Map();

const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3], [], [4, 4]];

function axes(format, log) {
  const common = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, font: "12px " + css("--sans") };
  // A logarithmic axis has a line for each 1, 2 and 5, and names those for which there is room.
  const marks = (u, axis, min, max) => {
    const found = [];
    if (max / min < 8) {
      // Less than a power of ten: even steps.
      const rough = (max - min) / 5;
      const step = [1, 2, 5, 10].map((lead) => lead * 10 ** Math.floor(Math.log10(rough))).find((step) => step >= rough);
      for (let at = Math.ceil(min / step) * step; at <= max; at += step) found.push(Number(at.toPrecision(6)));
      return found;
    }
    for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power += 1) {
      for (const lead of [1, 2, 5]) if (lead * 10 ** power >= min && lead * 10 ** power <= max) found.push(lead * 10 ** power);
    }
    return found;
  };
  const named = (splits) => {
    const decades = splits.length ? Math.log10(splits[splits.length - 1] / splits[0]) : 0;
    return splits.map((v) => decades < 2.2 || String(v).replace(/[0.]/g, "").replace(/e.*/, "") === "1" ? format(v) : null);
  };
  return [
    { ...common, values: (u, splits) => splits.map(moment), space: 80 },
    { ...common, values: (u, splits) => log ? named(splits) : splits.map(format), size: 72, ...(log ? { splits: marks, filter: (u, splits) => splits } : {}) },
  ];
}

/** Shades what does not count, and marks what happened. */
function background(record) {
  return (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    record.phases.forEach(([name, from], index) => {
      const to = index + 1 < record.phases.length ? record.phases[index + 1][1] : record.end;
      if (name === "measure" || name === "settle") return;
      const [x0, x1] = [u.valToPos(from, "x", true), u.valToPos(to, "x", true)];
      ctx.fillStyle = css("--wash");
      ctx.fillRect(x0, bbox.top, x1 - x0, bbox.height);
      if (name === "warmup") hatch(ctx, x0, x1, bbox);
      if (u.first && x1 - x0 > 60 * devicePixelRatio) {
        ctx.fillStyle = css("--soft");
        ctx.font = 11 * devicePixelRatio + "px " + css("--sans");
        ctx.fillText(name, x0 + 5 * devicePixelRatio, bbox.top + 13 * devicePixelRatio);
      }
    });
    for (const [at, kind, what, text] of record.marks) {
      const x = u.valToPos(at, "x", true);
      // What somebody marked is a whole line with its number; what happened by itself is dotted.
      const own = what === "mark";
      ctx.strokeStyle = css(own ? "--accent" : kind === "bad" ? "--bad" : kind === "warning" ? "--warn" : "--soft");
      ctx.setLineDash(own ? [] : [2, 3]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (own) flag(ctx, x, bbox, text);
    }
    ctx.restore();
  };
}

/** The number of a marked moment, at the foot of its line. */
function flag(ctx, x, bbox, text) {
  const [width, height] = [(text.length * 7 + 6) * devicePixelRatio, 14 * devicePixelRatio];
  const left = Math.min(x, bbox.left + bbox.width - width);
  ctx.fillStyle = css("--accent");
  ctx.fillRect(left, bbox.top + bbox.height - height, width, height);
  ctx.fillStyle = css("--card");
  ctx.font = "bold " + 11 * devicePixelRatio + "px " + css("--sans");
  ctx.fillText(text, left + 3 * devicePixelRatio, bbox.top + bbox.height - 3 * devicePixelRatio);
}

function hatch(ctx, x0, x1, bbox) {
  ctx.strokeStyle = css("--line");
  ctx.beginPath();
  for (let x = x0 - bbox.height; x < x1; x += 8 * devicePixelRatio) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
}

/** Marks intervals whose quantile never came: a triangle at the top. */
function nevers(flags) {
  return (u) => {
    const { ctx, bbox } = u;
    const size = 4 * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = css("--bad");
    flags.forEach((never, index) => {
      if (!never) return;
      const x = u.valToPos(u.data[0][index], "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x - size, bbox.top + 2 * size);
      ctx.lineTo(x + size, bbox.top + 2 * size);
      ctx.fill();
    });
    ctx.restore();
  };
}

/**
 * Draws lines over the time of the run. `lines` are { label, values, bars }; a chart that is there is replaced.
 */
function lineChart(record, name, lines, { format, log = false, never = null, height = 190, first = false }) {
  const host = $(`[data-plot="${name}"]`);
  const old = charts.get(name);
  const range = old && old.scales.x ? [old.scales.x.min, old.scales.x.max] : null;
  if (old) old.destroy();
  const colors = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(css);
  // A bin's value stands in its middle, and a run of a single bin still shows a point.
  const few = record.bins < 40;
  const series = lines.map((line, index) => ({
    label: line.label,
    stroke: line.color ? css(line.color) : colors[index % colors.length],
    fill: line.bars ? (line.color ? css(line.color) : colors[index % colors.length]) : undefined,
    width: line.bars ? 0 : 1.8,
    dash: line.bars ? [] : DASHES[index % DASHES.length],
    paths: line.bars ? uPlot.paths.bars({ size: [0.8, 40] }) : undefined,
    points: { show: !line.bars && few, size: 5 },
    spanGaps: false,
    value: (u, v) => v == null ? "–" : format(v),
  }));
  const positive = (values) => values.map((v) => v == null || v <= 0 ? null : v);
  const data = [record.times, ...lines.map((line) => log ? positive(line.values) : line.values)];
  const u = new uPlot({
    width: Math.max(240, host.clientWidth), height,
    scales: { x: { time: false, range: (u, min, max) => min == null ? [0, record.end] : [min, max] }, y: log ? { distr: 3, range: logRange } : { range: (u, min, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: axes(format, log),
    series: [{ label: "at", value: (u, v) => v == null ? "–" : moment(v) }, ...series],
    cursor: { sync: { key: SYNC }, drag: { x: true, y: false, setScale: true }, points: { size: 7 } },
    hooks: { drawClear: [background(record)], draw: never ? [nevers(never)] : [] },
  }, data, host);
  u.first = first;
  u.setScale("x", range && range[0] != null ? { min: range[0], max: range[1] } : { min: 0, max: record.end });
  host.setAttribute("tabindex", "0");
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", describe(name, lines, format));
  charts.set(name, u);
  host.onkeydown = (event) => moveCursor(u, event, record, lines, format);
  return u;
}

function logRange(u, min, max) {
  if (min == null || max == null) return [1, 10];
  return [10 ** (Math.log10(min) - 0.1), 10 ** (Math.log10(max) + 0.1)];
}

function describe(name, lines, format) {
  const parts = lines.map((line) => {
    const values = line.values.filter((v) => v != null);
    return values.length ? `${line.label} up to ${format(Math.max(...values))}` : `${line.label} without values`;
  });
  return `Chart of ${name} over time: ${parts.join(", ")}. Arrow keys move the cursor.`;
}

function moveCursor(u, event, record, lines, format) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
  let index = u.cursor.idx ?? 0;
  if (event.key in steps) index += steps[event.key];
  else if (event.key === "Home") index = 0;
  else if (event.key === "End") index = record.bins - 1;
  else if (event.key === "Escape") return zoomOut(record);
  else return;
  event.preventDefault();
  index = Math.min(Math.max(index, 0), record.bins - 1);
  u.setCursor({ left: u.valToPos(record.times[index], "x"), top: u.over.clientHeight / 2 });
  const values = lines.map((line) => `${line.label} ${line.values[index] == null ? "none" : format(line.values[index])}`);
  $("#readout").textContent = `${moment(record.times[index])}: ${values.join(", ")}`;
}

function zoomOut(record) {
  for (const u of charts.values()) if (u.scales.x && u.isTime !== false) u.setScale("x", { min: 0, max: record.end });
}

/** Seconds of each bin, so that counts become rates; the last one may be cut short by the end of the run. */
const perSecond = (record, counts) => counts.map((n) => n / record.bin);

function drawTimeline(record, job, series) {
  const queues = record.queues.filter((queue) => queue.counts && (job === "" || queue.job === job));
  const sum = (field) => queues.reduce((total, queue) => total.map((n, i) => n + queue[field][i]), new Array(record.bins).fill(0));
  const [due, sent, answered] = ["due", "sent", "answered"].map(sum);
  const rate = (n) => plain(n) + "/s";
  lineChart(record, "rates", [
    { label: "due", values: perSecond(record, due) },
    { label: "sent", values: perSecond(record, sent) },
    { label: "answered", values: perSecond(record, answered) },
  ], { format: rate, first: true });
  drawLatency(record, series);
  const operations = record.operations.filter((o) => job === "" || o.job === job);
  const total = (field) => operations.reduce((all, o) => all.map((n, i) => n + o[field][i]), new Array(record.bins).fill(0));
  lineChart(record, "errors", [
    { label: "failed", values: perSecond(record, total("failed")), bars: true, color: "--c2" },
    { label: "429", values: perSecond(record, total("tooMany")), bars: true, color: "--c4" },
  ], { format: rate, height: 110 });
  let waiting = 0;
  const flight = sent.map((n, i) => (waiting += n - answered[i]));
  lineChart(record, "flight", [{ label: "in flight", values: flight }], { format: plain, height: 110 });
  const table = record.objects[0];
  const figure = $("#objects-figure");
  figure.hidden = !table || !table.reached.length;
  if (!figure.hidden) lineChart(record, "reached", table.reached.map(([label, values]) => ({ label, values })), { format: plain, height: 140 });
}

function drawLatency(record, series) {
  const format = formatter(series.unit);
  const never = series.n.map((n, i) => n > 0 && series.p99[i] == null);
  lineChart(record, "latency", [
    { label: "p50", values: series.p50 },
    { label: "p90", values: series.p90 },
    { label: "p99", values: series.p99 },
    { label: "p99.9", values: series.p999 },
  ], { format, log: true, never, height: 220 });
  $("#latency-of").textContent = series.name + (never.some(Boolean) ? "; ▲ p99 never came" : "");
}

function drawNumber(record, number) {
  const values = number.counter ? perSecond(record, number.values.map((v) => v ?? 0)) : number.values;
  const format = (v) => plain(v) + (number.counter ? "/s" : number.unit === "1" ? "" : " " + number.unit);
  lineChart(record, "number", [{ label: number.name, values }], { format, height: 120 });
}
