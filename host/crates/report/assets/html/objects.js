// Every object on its way, and where it was (node × pod grid, played back over time).
const STEP_COLORS = ["--c1", "--c5", "--c2", "--c4", "--c3", "--c6", "--c1", "--c5"];

function drawWaterfall(record, table) {
  const host = $('[data-plot="waterfall"]');
  const rows = table.rows.filter((row) => row[1] != null).sort((a, b) => a[1] - b[1]);
  $("#waterfall-card").hidden = rows.length === 0;
  if (!rows.length) return;
  const height = Math.min(460, Math.max(120, rows.length * 4 + 40));
  const { context, width } = canvas(host, height);
  const [left, right, top, bottom] = [8, 8, 4, 24];
  // Each from its own start: what takes longer than usual sticks out.
  const longest = Math.max(1, ...rows.map((row) => Math.max(0, ...row.slice(2).filter((v) => v != null))));
  const x = (ms) => left + (ms / longest) * (width - left - right);
  const each = (height - top - bottom) / rows.length;
  const [colors, bad] = [STEP_COLORS.map(css), css("--bad")];
  rows.forEach((row, index) => {
    let from = 0;
    row.slice(2).forEach((to, step) => {
      if (to == null || to <= from) return;
      context.fillStyle = colors[step % colors.length];
      context.fillRect(x(from), top + index * each, Math.max(x(to) - x(from), 0.6), Math.max(each - (each > 3 ? 1 : 0), 0.6));
      from = to;
    });
    if (row[row.length - 1] == null) {
      context.fillStyle = bad;
      context.fillRect(x(from), top + index * each, Math.max(width - right - x(from), 2), Math.max(each * 0.4, 0.8));
    }
  });
  context.fillStyle = css("--soft");
  context.textBaseline = "top";
  for (let i = 0; i <= 6; i += 1) {
    context.textAlign = i === 0 ? "left" : i === 6 ? "right" : "center";
    context.fillText(duration(longest * i / 6), left + (width - left - right) * i / 6, height - bottom + 7);
  }
  const never = rows.filter((row) => row[row.length - 1] == null).length;
  $("#waterfall-note").textContent = `one line each in order of their start, from its own start to the right${table.leftOut ? `; ${plain(table.rows.length)} of ${plain(table.rows.length + table.leftOut)}, evenly chosen` : ""}${never ? "; a thin line to the end never arrived" : ""}`;
  host.setAttribute("role", "img");
  host.setAttribute("tabindex", "0");
  host.setAttribute("aria-label", `${plain(rows.length)} objects, one line each, from their start to ${table.steps[table.steps.length - 1]}; ${never} never arrived.`);
}

/** Number of the step that an object has reached at `ms`; -1 before it was wanted. */
function stateAt(row, ms) {
  if (row[1] == null || ms < row[1]) return -1;
  let state = 0;
  for (let step = 2; step < row.length; step += 1) if (row[step] != null && row[1] + row[step] <= ms) state = step - 1;
  return state;
}

class Grid {
  constructor(record, table) {
    this.record = record;
    this.table = table;
    this.host = $('[data-plot="grid"]');
    this.rows = table.rows.filter((row) => row[1] != null);
    this.first = Math.min(...this.rows.map((row) => row[1]));
    const reached = this.rows.map((row) => row[1] + Math.max(0, ...row.slice(2).filter((v) => v != null)));
    this.last = Math.max(...reached);
    this.nodes = new Map();
    for (const row of this.rows) {
      if (!this.nodes.has(row[0])) this.nodes.set(row[0], []);
      this.nodes.get(row[0]).push(row);
    }
    this.order = [...this.nodes.keys()].sort((a, b) => a - b);
    for (const rows of this.nodes.values()) rows.sort((a, b) => a[1] - b[1]);
    this.share = 1;
    this.timer = null;
    const words = ["wanted", ...table.steps];
    this.words = words;
    // Two states that a glance must tell apart are far from each other in lightness too.
    this.colors = words.map((_, index) => index === words.length - 1 ? "--c3" : index === 0 ? "--c6" : STEP_COLORS[(index - 1) % 4]);
    $("#grid-key").replaceChildren(...words.map((word, index) => {
      const item = document.createElement("li");
      const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      box.setAttribute("viewBox", "0 0 10 10");
      box.setAttribute("aria-hidden", "true");
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of [["width", 10], ["height", 10], ["rx", 2]]) rect.setAttribute(name, value);
      rect.style.fill = `var(${this.colors[index]})`;
      box.append(rect);
      item.append(box, document.createTextNode(word));
      return item;
    }));
    $("#moment").addEventListener("input", (event) => { this.stop(); this.share = event.target.value / 1000; this.draw(); });
    $("#play").addEventListener("click", () => this.timer ? this.stop() : this.play());
  }

  layout(width) {
    const most = Math.max(...[...this.nodes.values()].map((rows) => rows.length));
    const area = width * 380;
    let cell = Math.max(2, Math.min(16, Math.floor(Math.sqrt(area / (this.order.length * (most + 6))))));
    const columns = Math.max(1, Math.ceil(Math.sqrt(most * 1.6)));
    const lines = Math.ceil(most / columns);
    const gap = cell > 5 ? 14 : 4;
    const label = cell > 5 && columns * cell >= 44 ? 15 : 0;
    const tile = { width: columns * cell + gap, height: lines * cell + label + gap };
    const across = Math.max(1, Math.floor((width + gap) / tile.width));
    return { cell, columns, label, tile, across, height: Math.ceil(this.order.length / across) * tile.height };
  }

  draw() {
    const width = Math.max(240, this.host.clientWidth);
    const { cell, columns, label, tile, across, height } = this.layout(width);
    const { context } = canvas(this.host, height);
    const ms = this.first + (this.last - this.first) * this.share;
    const counts = new Array(this.words.length).fill(0);
    const colors = this.colors.map(css);
    const [empty, bad, soft] = [css("--wash"), css("--bad"), css("--soft")];
    const end = this.share >= 1;
    let stuck = 0;
    context.textBaseline = "top";
    this.order.forEach((node, position) => {
      const [x0, y0] = [(position % across) * tile.width, Math.floor(position / across) * tile.height];
      if (label) {
        context.fillStyle = soft;
        const name = this.table.nodes[node] ?? "no node";
        context.fillText(name.length * 6.4 > columns * cell ? "…" + name.slice(-Math.max(3, Math.floor(columns * cell / 7))) : name, x0, y0);
      }
      this.nodes.get(node).forEach((row, index) => {
        const state = stateAt(row, ms);
        const never = end && row[row.length - 1] == null;
        if (state >= 0) counts[state] += 1;
        stuck += never ? 1 : 0;
        context.fillStyle = state < 0 ? empty : colors[state];
        const [x, y] = [x0 + (index % columns) * cell, y0 + label + Math.floor(index / columns) * cell];
        const size = cell > 4 ? cell - 2 : cell > 2 ? cell - 0.5 : cell;
        context.fillRect(x, y, size, size);
        if (never) {
          context.strokeStyle = bad;
          context.lineWidth = cell > 5 ? 2 : 1;
          context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
        }
      });
    });
    $("#moment").value = Math.round(this.share * 1000);
    $("#moment").setAttribute("aria-valuetext", moment(ms / 1e3));
    $("#moment-text").textContent = moment(ms / 1e3);
    const parts = this.words.map((word, index) => `${plain(counts[index])} ${word}`).filter((_, index) => counts[index] > 0);
    $("#grid-text").textContent = `${parts.join(" · ") || "nothing yet"}${stuck ? ` · ${plain(stuck)} never arrived (outlined)` : ""}${this.table.leftOut ? ` · ${plain(this.table.rows.length)} of ${plain(this.table.rows.length + this.table.leftOut)} objects, evenly chosen` : ""}`;
    this.host.setAttribute("role", "img");
    this.host.setAttribute("aria-label", `Grid of ${this.order.length} nodes and their pods: ${parts.join(", ")}`);
  }

  play() {
    if (this.share >= 1) this.share = 0;
    $("#play").textContent = "Pause";
    $("#play").setAttribute("aria-label", "Pause the grid");
    const length = Math.min(20, Math.max(6, (this.last - this.first) / 1e3)) * 1e3;
    let before = performance.now();
    const step = (now) => {
      this.share = Math.min(1, this.share + (now - before) / length);
      before = now;
      this.draw();
      if (this.share >= 1) this.stop();
      else this.timer = requestAnimationFrame(step);
    };
    this.timer = requestAnimationFrame(step);
  }

  stop() {
    if (this.timer) cancelAnimationFrame(this.timer);
    this.timer = null;
    $("#play").textContent = "Play";
    $("#play").setAttribute("aria-label", "Play the grid");
  }
}
