// The heat map and the percentile curve of one series.
function mix(stops, share) {
  const position = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const index = Math.min(Math.floor(position), stops.length - 2);
  const part = position - index;
  const channel = (i) => Math.round(stops[index][i] * (1 - part) + stops[index + 1][i] * part);
  return `rgb(${channel(0)} ${channel(1)} ${channel(2)})`;
}

const rgb = (hex) => {
  const full = hex.length === 4 ? [...hex.slice(1)].map((c) => c + c).join("") : hex.slice(1);
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16));
};

const HEAT = { left: 72, right: 12, top: 8, bottom: 26, height: 300 };

function drawHeat(record, series, selected) {
  const host = $('[data-plot="heat"]');
  const { element, context, width } = canvas(host, HEAT.height);
  const cells = series.heat.flatMap((pairs, bin) => pairs.length ? pairs.reduce((all, v, i) => (i % 2 ? all[all.length - 1].push(v) : all.push([bin, v]), all), []) : []);
  const rows = cells.map((cell) => cell[1]);
  const [low, high] = [Math.min(...rows), Math.max(...rows) + 1];
  const most = Math.max(...cells.map((cell) => cell[2]), 1);
  const [plotWidth, plotHeight] = [width - HEAT.left - HEAT.right, HEAT.height - HEAT.top - HEAT.bottom];
  const x = (bin) => HEAT.left + (bin * record.bin / record.end) * plotWidth;
  const y = (row) => HEAT.top + plotHeight * (1 - (row - low) / Math.max(high - low, 1));
  const stops = ["--h1", "--h2", "--h3", "--h4"].map((name) => rgb(css(name)));
  context.fillStyle = css("--h0");
  context.fillRect(HEAT.left, HEAT.top, plotWidth, plotHeight);
  for (const [bin, row, count] of cells) {
    context.fillStyle = mix(stops, most > 1 ? Math.log(count) / Math.log(most) : 1);
    const right = Math.min(x(bin + 1), HEAT.left + plotWidth);
    context.fillRect(x(bin), y(row + 1), Math.max(right - x(bin), 1) + 0.3, y(row) - y(row + 1) + 0.3);
  }
  heatAxes(record, series, context, { x, y, low, high, plotWidth, plotHeight });
  if (selected != null) {
    context.strokeStyle = css("--c2");
    context.lineWidth = 2;
    context.strokeRect(x(selected), HEAT.top, Math.max(x(selected + 1) - x(selected), 2), plotHeight);
  }
  host.setAttribute("aria-label", `Heat map of ${series.name} over time: ${cells.length ? "values in " + new Set(cells.map((c) => c[0])).size + " intervals" : "no values"}. Arrow keys select an interval.`);
  return { element, binAt: (px) => Math.floor(((px - HEAT.left) / plotWidth) * record.end / record.bin) };
}

function heatAxes(record, series, context, { x, y, low, high, plotWidth, plotHeight }) {
  const format = formatter(series.unit);
  context.fillStyle = css("--soft");
  context.strokeStyle = css("--line");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  if (Number.isFinite(low)) {
    const every = Math.max(1, Math.ceil((high - low) / 10 / 5)) * 5;
    for (let row = Math.ceil(low / every) * every; row <= high; row += every) context.fillText(format(10 ** (row / 10) * series.scale), HEAT.left - 8, y(row));
  } else {
    context.textAlign = "center";
    context.fillText("no value came", HEAT.left + plotWidth / 2, HEAT.top + plotHeight / 2);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (let i = 0; i <= 6; i += 1) context.fillText(moment(record.end * i / 6), HEAT.left + Math.min(Math.max(plotWidth * i / 6, 12), plotWidth - 12), HEAT.top + plotHeight + 8);
}

/** Points of one bin for the percentile curve, from its quantiles. */
function binCurve(series, bin) {
  return [[0.5, series.p50[bin]], [0.9, series.p90[bin]], [0.99, series.p99[bin]], [0.999, series.p999[bin]]];
}

function drawCurve(record, series, selected) {
  const host = $('[data-plot="curve"]');
  const old = charts.get("curve");
  if (old) old.destroy();
  const format = formatter(series.unit);
  const nines = (q, n) => q >= 1 ? Math.log10(Math.max(n, 2)) : -Math.log10(1 - q);
  const lines = [{ label: series.curveName, points: series.curve }];
  if (series.service) lines.push({ label: "service (done − sent)", points: series.service });
  const xs = new Set();
  const mapped = lines.map(({ label, points }) => {
    const map = new Map();
    for (const [q, low, high] of points) { const at = nines(q, series.total); xs.add(at); map.set(at, { low, high }); }
    return { label, map };
  });
  let column = null;
  if (selected != null && series.n[selected] > 0) {
    column = new Map(binCurve(series, selected).filter(([q]) => 1 / (1 - q) <= series.n[selected] * 2).map(([q, v]) => [nines(q), v]));
    for (const at of column.keys()) xs.add(at);
  }
  const x = [...xs].sort((a, b) => a - b);
  const bounded = series.curve.some(([, low, high]) => low !== high);
  const data = [x];
  const list = [];
  mapped.forEach(({ label, map }, index) => {
    data.push(x.map((at) => map.get(at)?.high));
    list.push({ label, stroke: css(index ? "--c3" : "--c1"), dash: index ? [6, 3] : [], width: 2 });
    if (index === 0 && bounded) {
      data.push(x.map((at) => map.get(at)?.low));
      list.push({ label: "lower bound", stroke: css("--c1"), dash: [2, 3], width: 1.2 });
    }
  });
  if (column) {
    data.push(x.map((at) => column.get(at)));
    list.push({ label: "at " + moment(record.times[selected]), stroke: css("--c2"), dash: [2, 3], width: 2, points: { show: true, size: 7 } });
  }
  const names = new Map([[0, "p0"], [-Math.log10(0.5), "p50"], [1, "p90"], [2, "p99"], [3, "p99.9"], [4, "p99.99"], [5, "p99.999"], [6, "p99.9999"]]);
  const reliable = series.curve.filter(([, , , enough]) => enough).map(([q]) => nines(q, series.total));
  const tooFew = reliable.length ? Math.max(...reliable) : 0;
  const last = Math.max(x.length ? x[x.length - 1] : 1, 1);
  const [, yAxis] = axes(format, true);
  const u = new uPlot({
    width: Math.max(240, host.clientWidth), height: 300,
    scales: { x: { time: false, range: () => [0, last] }, y: { distr: 3, range: logRange } },
    axes: [{ stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, font: "12px " + css("--sans"), splits: () => [...names.keys()].filter((at) => at <= last), values: (u, splits) => splits.map((at) => names.get(at)) }, yAxis],
    series: [{ label: "percentile", value: (u, v) => v == null ? "–" : "p" + Number((100 * (1 - 10 ** -v)).toPrecision(6)) }, ...list.map((line) => ({ points: { show: false }, ...line, spanGaps: true, value: (u, v) => v == null ? "–" : format(v) }))],
    cursor: { drag: { x: false, y: false } },
    hooks: { drawClear: [(u) => shadeFew(u, tooFew, last)] },
  }, data.map((column, index) => index ? column.map((v) => v == null || v <= 0 ? null : v) : column), host);
  u.isTime = false;
  host.setAttribute("tabindex", "0");
  host.setAttribute("role", "img");
  const end = series.missing > 0 ? ` ${plain(series.missing)} of ${plain(series.total)} never came.` : "";
  host.setAttribute("aria-label", `Percentile curve of ${series.name}, ${plain(series.total)} values.${end}`);
  charts.set("curve", u);
}

function shadeFew(u, from, to) {
  if (from >= to) return;
  const { ctx, bbox } = u;
  const [x0, x1] = [u.valToPos(from, "x", true), u.valToPos(to, "x", true)];
  ctx.save();
  ctx.fillStyle = css("--wash");
  ctx.fillRect(x0, bbox.top, x1 - x0, bbox.height);
  if (x1 - x0 > 90 * devicePixelRatio) {
    ctx.fillStyle = css("--soft");
    ctx.font = 11 * devicePixelRatio + "px " + css("--sans");
    ctx.fillText("too few samples", x0 + 6 * devicePixelRatio, bbox.top + 14 * devicePixelRatio);
  }
  ctx.restore();
}
