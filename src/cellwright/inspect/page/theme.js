"use strict";
// What views are drawn with: elements, colours and words. All text goes in as text (textContent, fillText), never as
// markup.

// --- elements ---------------------------------------------------------------------------------------
function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** A token with its tag below. */
function tagged(token, tag) {
  const made = element("ruby");
  made.append(token, element("rt", tag));
  return made;
}

function table(columns, rows) {
  const head = element("tr");
  head.append(...columns.map((column) => element("th", column)));
  return [head, ...rows.map((row) => {
    const line = element("tr");
    line.append(...row.map((cell) => element("td", cell)));
    return line;
  })];
}

/** A canvas in CSS pixels, sharp on any screen, and empty. Its size is set where it has changed only: setting it makes
 * the browser lay out the page anew, tens of milliseconds for the canvases of a view. */
function surface(canvas) {
  const ratio = window.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  const [wide, high] = [width, height].map((length) => Math.round(length * ratio));
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext("2d");
  context.reset();
  context.scale(ratio, ratio);
  context.font = font();
  return { context, width, height };
}
const font = () => `12px ${getComputedStyle(document.body).fontFamily}`;

// --- colours ----------------------------------------------------------------------------------------
/** The colours that look.css gives in light or in dark. */
function readTheme() {
  const style = getComputedStyle(document.documentElement), text = (name) => style.getPropertyValue(`--${name}`).trim();
  const made = { series: text("series").split(" "), for: rgb(text("for")), against: rgb(text("against")) };
  for (const name of ["ink", "quiet", "line", "edge", "here", "frame", "accent"]) made[name] = text(name);
  return { ...made, palettes: { gate: shades(text("gate").split(" ").map(rgb)), value: shades(text("value").split(" ").map(rgb)) } };
}
const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));

function shades(stops) {
  return Array.from({ length: 256 }, (_, k) => {
    const at = (k / 255) * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((value, c) => Math.round(value + (at - low) * (stops[low + 1][c] - value)));
  });
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");
let theme = readTheme();

// --- words ------------------------------------------------------------------------------------------
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const minus = (text) => text.replace("-", "−");
const signed = (value) => (value < 0 ? "" : "+") + minus(value.toFixed(3));
const shown = (token) => (token.trim() ? token : { " ": "␣", "\n": "↵", "\t": "⇥" }[token] || "blank");
const shortened = (text, most = 11) => ([...text].length > most ? [...text].slice(0, most - 1).join("") + "…" : text);
const largest = (values) => values.reduce((most, value) => Math.max(most, value), 0);

/** The height that the tokens take: that of a line where each is one character, else that of the longest. */
function labelRoom(tokens) {
  if (tokens.every((token) => [...shown(token)].length === 1)) return 24;
  const context = document.createElement("canvas").getContext("2d");
  context.font = font();
  return 14 + largest(tokens.map((token) => context.measureText(shortened(shown(token))).width));
}
