// Puts the charts onto the page and listens to its controls.
const THEMES = [["", "as the system"], ["light", "light"], ["dark", "dark"]];

function kept(value) {
  // A file that was opened from disk may have no storage.
  try {
    if (value !== undefined) localStorage.setItem("bench-theme", value);
    return localStorage.getItem("bench-theme") ?? "";
  } catch {
    return "";
  }
}

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  const [, words] = THEMES.find(([theme]) => theme === name) ?? THEMES[0];
  $("#theme").textContent = name === "" ? "Auto" : name === "light" ? "Light" : "Dark";
  $("#theme").setAttribute("aria-label", `Colours: ${words}. Change.`);
}

function options(select, names) {
  select.replaceChildren(...names.map((name, index) => {
    const option = document.createElement("option");
    option.value = String(index);
    option.textContent = name;
    return option;
  }));
  select.closest("label, figcaption").hidden = names.length < 2 && select.closest("label") !== null;
}

/** Everything that has a latency: the response of each job, then the histograms of plugins. */
function latencies(record) {
  const jobs = record.operations.map((o) => ({ ...o.response, name: `${o.job}: response (done − due)`, curveName: "response (done − due)", curve: o.curve, service: o.service }));
  const plugins = record.series.map((s) => ({ ...s, curveName: s.name, service: null }));
  const all = [...plugins, ...jobs];
  return all.length ? all : [];
}

function save(name, value) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2) + "\n"], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

async function start() {
  setTheme(kept());
  const record = await readRecord();
  record.times = Array.from({ length: record.bins }, (_, i) => Math.min((i + 0.5) * record.bin, record.end));
  document.documentElement.classList.add("scripted");
  const all = latencies(record);
  const jobs = [...new Set(record.queues.filter((queue) => queue.counts).map((queue) => queue.job))];
  const state = { job: "", series: all[0], selected: null, heat: null };
  options($("#job"), jobs.length > 1 ? ["all jobs", ...jobs] : jobs);
  options($("#series"), all.map((series) => series.name));
  options($("#number"), record.numbers.map((number) => number.name));
  $("#numbers-figure").hidden = record.numbers.length === 0;
  const table = record.objects[0];
  const grid = table && table.nodes.length && table.rows.some((row) => row[1] != null) ? new Grid(record, table) : null;
  if (table) {
    $("#grid-card").hidden = !grid;
    $("#grid-title").hidden = !grid;
  }

  const drawSeries = () => {
    for (const element of document.querySelectorAll(".series-name")) element.textContent = state.series.name;
    state.heat = drawHeat(record, state.series, state.selected);
    drawCurve(record, state.series, state.selected);
  };
  const draw = () => {
    if (state.series) {
      drawTimeline(record, state.job, state.series);
      drawSeries();
    }
    if (record.numbers.length) drawNumber(record, record.numbers[Number($("#number").value) || 0]);
    if (table) drawWaterfall(record, table);
    if (grid) grid.draw();
  };
  const select = (bin) => {
    state.selected = bin == null || bin < 0 || bin >= record.bins ? null : bin;
    drawSeries();
    const { series, selected } = state;
    const format = formatter(series.unit);
    $("#heat-readout").textContent = selected == null ? "" : `${moment(selected * record.bin)} to ${moment(Math.min((selected + 1) * record.bin, record.end))}: ${plain(series.n[selected])} values, p50 ${series.n[selected] ? format(series.p50[selected]) : "–"}, p99 ${series.n[selected] ? format(series.p99[selected]) : "–"}${series.missing_bins[selected] ? `, ${plain(series.missing_bins[selected])} never came` : ""}`;
  };

  $("#theme").addEventListener("click", () => {
    const now = THEMES.findIndex(([theme]) => theme === (document.documentElement.dataset.theme ?? ""));
    const [next] = THEMES[(now + 1) % THEMES.length];
    kept(next);
    setTheme(next);
    draw();
  });
  $("#job").addEventListener("change", (event) => { const i = Number(event.target.value); state.job = jobs.length > 1 && i > 0 ? jobs[i - 1] : ""; draw(); });
  $("#series").addEventListener("change", (event) => { state.series = all[Number(event.target.value)]; state.selected = null; $("#heat-readout").textContent = ""; draw(); });
  $("#number").addEventListener("change", draw);
  $("#zoom-out").addEventListener("click", () => zoomOut(record));
  const heat = $('[data-plot="heat"]');
  heat.setAttribute("tabindex", "0");
  heat.setAttribute("role", "img");
  heat.addEventListener("click", (event) => { if (state.heat) select(state.heat.binAt(event.clientX - heat.getBoundingClientRect().left)); });
  heat.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return select(null);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    select(Math.min(Math.max((state.selected ?? (step > 0 ? -1 : record.bins)) + step, 0), record.bins - 1));
  });
  $("#save-summary").addEventListener("click", () => save("summary.json", record.summary));
  $("#save-charts").addEventListener("click", () => save("charts.json", { ...record, summary: undefined }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
  draw();
  document.documentElement.dataset.drawn = "true";
}

start().catch((error) => {
  document.documentElement.classList.remove("scripted");
  console.error(error);
});
