"use strict";
// What the other scripts share: the record, colours of the theme, numbers for people.
const $ = (selector, from = document) => from.querySelector(selector);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

async function readRecord() {
  const text = $("#record").textContent.trim();
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function significant(number) {
  if (number === 0) return "0";
  const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
  return String(Number(number.toFixed(digits)));
}

/** Milliseconds as people write them. */
function duration(ms) {
  if (ms == null) return "never";
  const abs = Math.abs(ms);
  if (abs < 1e-3) return significant(ms * 1e6) + " ns";
  if (abs < 1) return significant(ms * 1e3) + " µs";
  if (abs < 1e3) return significant(ms) + " ms";
  if (abs < 6e4) return significant(ms / 1e3) + " s";
  const minutes = Math.floor(abs / 6e4);
  return (ms < 0 ? "-" : "") + minutes + " min " + Math.round((abs - minutes * 6e4) / 1e3) + " s";
}

function moment(seconds) {
  if (seconds < 60) return significant(seconds) + " s";
  const whole = Math.round(seconds);
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? h + ":" + pad(m) + ":" + pad(s) : m + ":" + pad(s);
}

const plain = (number) => number == null ? "–" : Number(number.toPrecision(4)).toLocaleString("en-US");
const formatter = (unit) => unit === "ms" ? duration : (n) => n == null ? "never" : plain(n) + (unit === "1" || !unit ? "" : " " + unit);

function canvas(host, height) {
  const width = Math.max(240, host.clientWidth);
  const ratio = window.devicePixelRatio || 1;
  const element = $("canvas", host) || host.appendChild(document.createElement("canvas"));
  element.width = width * ratio;
  element.height = height * ratio;
  element.style.width = width + "px";
  element.style.height = height + "px";
  const context = element.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px " + css("--sans");
  return { element, context, width };
}
