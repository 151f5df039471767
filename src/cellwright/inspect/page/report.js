"use strict";
// One object, `recording`, as report.py writes it; everything on the page is drawn from it. All text goes in as text
// (textContent, fillText), never as markup.

const recording = JSON.parse(document.getElementById("recording").textContent);
const find = (id) => document.getElementById(id);
const LINES = ["#0d8a7f", "#d97706", "#2563eb", "#be185d", "#6d28d9", "#4d7c0f", "#0f172a", "#64748b"];
const FONT = `12px ${getComputedStyle(document.body).fontFamily}`;
const MOST_CLASSES = 6;
const T = recording.tokens.length;
const chosen = { part: 0, letter: null, order: "as trained", token: null, unit: null, pinned: false };

for (const part of recording.parts)
  for (const letter of part.letters)
    letter.bytes = Uint8Array.from(atob(letter.data), (character) => character.charCodeAt(0)); // [unit * T + token]

// --- elements ---------------------------------------------------------------------------------------
function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function table(id, columns, rows) {
  const head = element("tr");
  head.append(...columns.map((column) => element("th", column)));
  const lines = rows.map((row) => {
    const line = element("tr");
    line.append(...row.map((cell) => element("td", cell)));
    return line;
  });
  find(id).replaceChildren(head, ...lines);
}

function options(id, values, change) {
  find(id).replaceChildren(...values.map((value) => element("option", value)));
  find(id).onchange = () => change(find(id).value);
}

/** A canvas in CSS pixels, sharp on any screen. */
function surface(canvas) {
  const ratio = window.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = FONT;
  return { context, width, height };
}

// --- colours ----------------------------------------------------------------------------------------
const AMBER = [[255, 253, 247], [253, 224, 150], [233, 150, 40], [150, 66, 12], [66, 24, 8]];
const TWO_SIDED = [[24, 78, 140], [108, 166, 212], [248, 249, 250], [236, 138, 104], [160, 28, 44]];

function shades(stops) {
  return Array.from({ length: 256 }, (_, k) => {
    const at = (k / 255) * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((value, c) => Math.round(value + (at - low) * (stops[low + 1][c] - value)));
  });
}
const PALETTES = { gate: shades(AMBER), value: shades(TWO_SIDED) };

const strongest = Math.max(1e-9, ...recording.contributions.map(Math.abs));
function tint(contribution) {
  const share = Math.abs(contribution) / strongest;
  return `rgba(${contribution > 0 ? "13, 138, 127" : "225, 83, 40"}, ${(0.62 * share).toFixed(3)})`;
}

// --- what it is -------------------------------------------------------------------------------------
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
const shown = (token) => (token.trim() ? token : { " ": "space", "\n": "line end", "\t": "tab" }[token] || "blank");
const value = (letter, unit, token) => letter.low + (letter.bytes[unit * T + token] / 255) * (letter.high - letter.low);
const part = () => recording.parts[chosen.part];
const letter = () => part().letters.find((each) => each.name === chosen.letter) || part().letters[0];

function introduce() {
  const last = recording.probabilities[T - 1], best = recording.labels.indexOf(recording.label);
  find("answer").replaceChildren(element("span", recording.label), element("span", percent(last[best]), "share"));
  find("about").textContent = recording.about;
  find("explained").textContent = `to “${recording.label}”`;
  find("completeness").textContent = recording.completeness;
  find("rounding").textContent = recording.rounding;
  table("saturation", ["gate", "closed", "open", "mean"], recording.saturation);
  if (recording.memory.length) table("memory", ["state", "shortest tenth", "median", "longest tenth"], recording.memory);
  else find("memory").replaceChildren(element("caption", recording.forgetful));
}

// --- the text ---------------------------------------------------------------------------------------
function writeText() {
  const pieces = [];
  recording.tokens.forEach((token, t) => {
    if (recording.between[t]) pieces.push(document.createTextNode(recording.between[t]));
    const span = element("span", token === "\n" ? "↵\n" : token, recording.known[t] ? "" : "unknown");
    span.style.background = tint(recording.contributions[t]);
    span.onmouseenter = () => point(t, chosen.unit);
    pieces.push(span);
    span.dataset.token = t;
  });
  find("text").replaceChildren(...pieces);
}

function drawScale() {
  const { context, width } = surface(find("scale"));
  for (let x = 0; x < width; x++) {
    context.fillStyle = tint(strongest * ((2 * x) / (width - 1) - 1));
    context.fillRect(x, 0, 1, 12);
  }
  context.fillStyle = "#64748b";
  context.fillText(`${signed(-strongest)} against`, 0, 28);
  const right = `for ${signed(strongest)}`;
  context.fillText(right, width - context.measureText(right).width, 28);
}

// --- charts over the tokens -------------------------------------------------------------------------
const LEFT = 44, RIGHT = 12;
const column = (width) => (width - LEFT - RIGHT) / T;

/** The tokens below a chart: as many as there is room for, upright where they are wide. */
function drawTokens(context, width, top) {
  const step = column(width), every = Math.max(1, Math.ceil(13 / step));
  const flat = recording.tokens.every((token) => context.measureText(shown(token)).width < step - 3);
  for (let t = 0; t < T; t += every) {
    context.save();
    context.translate(LEFT + (t + 0.5) * step, top);
    context.fillStyle = t === chosen.token ? "#111827" : recording.known[t] ? "#64748b" : "#a3aebd";
    if (flat) {
      context.textAlign = "center";
      context.fillText(shown(recording.tokens[t]), 0, 14);
    } else {
      const single = [...shown(recording.tokens[t])].length === 1;
      context.textAlign = single ? "center" : "right";
      if (!single) context.rotate(-Math.PI / 2);
      context.fillText(shortened(shown(recording.tokens[t])), single ? 0 : -6, single ? 16 : 4);
    }
    context.restore();
  }
}
const shortened = (text) => ([...text].length > 11 ? [...text].slice(0, 10).join("") + "…" : text);

/** The height that the tokens take: that of a line where each is one character, else that of the longest. */
function labelRoom() {
  if (recording.tokens.every((token) => [...shown(token)].length === 1)) return 24;
  const context = document.createElement("canvas").getContext("2d");
  context.font = FONT;
  return 14 + Math.max(...recording.tokens.map((token) => context.measureText(shortened(shown(token))).width));
}
const ROOM = labelRoom();

/** Lines over the tokens: `series` are {name, colour, at(t)}, between `low` and `high`. */
function drawLines(canvas, series, low, high, percentages) {
  const { context, width, height } = surface(canvas);
  const bottom = height - ROOM, step = column(width);
  const x = (t) => LEFT + (t + 0.5) * step, y = (v) => 8 + (1 - (v - low) / (high - low)) * (bottom - 8);
  context.textAlign = "right";
  for (let k = 0; k <= 4; k++) {
    const level = low + (k / 4) * (high - low);
    context.strokeStyle = Math.abs(level) < 1e-9 ? "#94a3b8" : "#e9eef3";
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(LEFT, y(level));
    context.lineTo(width - RIGHT, y(level));
    context.stroke();
    context.fillStyle = "#64748b";
    context.fillText(percentages ? `${Math.round(100 * level)} %` : level.toFixed(2).replace("-", "−"), LEFT - 7, y(level) + 4);
  }
  if (chosen.token !== null) {
    context.fillStyle = "rgba(15, 23, 42, 0.07)";
    context.fillRect(LEFT + chosen.token * step, 8, Math.max(step, 1), bottom - 8);
  }
  for (const { colour, at } of series) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 1.8;
    context.lineJoin = "round";
    context.beginPath();
    for (let t = 0; t < T; t++) context.lineTo(x(t), y(at(t)));
    context.stroke();
    const dots = T <= 60 ? [...Array(T).keys()] : chosen.token === null ? [] : [chosen.token];
    for (const t of dots) {
      context.beginPath();
      context.arc(x(t), y(at(t)), t === chosen.token ? 4 : 2.2, 0, 2 * Math.PI);
      context.fill();
    }
  }
  drawTokens(context, width, bottom);
}

function keys(id, series, text) {
  find(id).replaceChildren(...series.map((each) => {
    const key = element("span"), line = element("b");
    line.style.background = each.colour;
    key.append(line, text(each));
    return key;
  }));
}

function drawAnswers() {
  const peak = (k) => Math.max(...recording.probabilities.map((row) => row[k]));
  const classes = recording.labels.map((_, k) => k).sort((a, b) => peak(b) - peak(a)).slice(0, MOST_CLASSES);
  const series = classes.map((k, line) => ({ name: recording.labels[k], colour: LINES[line], at: (t) => recording.probabilities[t][k] }));
  drawLines(find("answers"), series, 0, 1, true);
  const t = chosen.token === null ? T - 1 : chosen.token;
  keys("classes", series, (each) => `${each.name} ${percent(each.at(t))}`);
}

// --- maps -------------------------------------------------------------------------------------------
/** The map of a letter as an image of T × H pixels, its units in the chosen order. */
function image(each) {
  const H = part().hidden, order = part().orders[chosen.order];
  const canvas = document.createElement("canvas");
  canvas.width = T;
  canvas.height = H;
  const pixels = canvas.getContext("2d").createImageData(T, H), palette = PALETTES[each.kind];
  for (let row = 0; row < H; row++)
    for (let t = 0; t < T; t++) pixels.data.set([...palette[each.bytes[order[row] * T + t]], 255], 4 * (row * T + t));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function drawLetters() {
  find("letters").replaceChildren(...part().letters.map((each) => {
    const button = element("button"), canvas = element("canvas");
    button.setAttribute("aria-pressed", each === letter());
    button.append(element("i", each.name), element("span", each.role, "quiet"), canvas);
    button.onclick = () => { chosen.letter = each.name; drawPart(); };
    return button;
  }));
  [...find("letters").querySelectorAll("canvas")].forEach((canvas, k) => {
    const { context, width, height } = surface(canvas);
    context.drawImage(image(part().letters[k]), 0, 0, width, height);
  });
}

let drawnMap = null; // the picture of the map alone, kept while the pointer moves
function drawMap() {
  const { context, width, height } = surface(find("map"));
  const bottom = height - ROOM, step = column(width), H = part().hidden;
  context.imageSmoothingEnabled = false;
  context.drawImage(drawnMap ||= image(letter()), LEFT, 4, width - LEFT - RIGHT, bottom - 4);
  context.strokeStyle = "#cbd5e1";
  context.strokeRect(LEFT - 0.5, 3.5, width - LEFT - RIGHT + 1, bottom - 3);
  context.fillStyle = "#64748b";
  context.save();
  context.translate(16, (4 + bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(`${H} units, ${chosen.order}`, 0, 0);
  context.restore();
  if (chosen.token !== null || chosen.unit !== null) {
    context.strokeStyle = "rgba(15, 23, 42, 0.75)";
    context.lineWidth = 1.2;
    if (chosen.token !== null) context.strokeRect(LEFT + chosen.token * step, 4, step, bottom - 4);
    const row = part().orders[chosen.order].indexOf(chosen.unit), high = (bottom - 4) / H;
    if (row >= 0) context.strokeRect(LEFT, 4 + row * high, width - LEFT - RIGHT, Math.max(high, 2));
  }
  drawTokens(context, width, bottom);
  const each = letter();
  find("range").textContent = `${each.name}, ${each.role}: ${each.range}`;
}

function drawUnit() {
  const unit = chosen.unit === null ? part().orders["by peak"][0] : chosen.unit;
  const gates = part().letters.filter((each) => each.kind === "gate"), others = part().letters.filter((each) => each.kind !== "gate");
  const series = [...gates, ...others].map((each, k) => ({ name: each.name, colour: LINES[k % LINES.length], at: (t) => value(each, unit, t) }));
  const all = series.flatMap((each) => recording.tokens.map((_, t) => each.at(t)));
  drawLines(find("lines"), series, Math.floor(Math.min(-1, ...all)), Math.ceil(Math.max(1, ...all)), false);
  const t = chosen.token;
  const hint = chosen.pinned ? "click again to let go" : "click on the map to hold it";
  find("unit").textContent = `Unit ${unit}${part().memory[unit] || ""} (${hint})`;
  keys("line-keys", series, (each) => (t === null ? each.name : `${each.name} ${each.at(t).toFixed(2).replace("-", "−")}`));
}

// --- what the reader does ---------------------------------------------------------------------------
function point(token, unit) {
  for (const old of find("text").querySelectorAll(".here")) old.classList.remove("here");
  Object.assign(chosen, { token, unit });
  if (token !== null) {
    find("text").querySelector(`[data-token="${token}"]`).classList.add("here");
    const row = recording.probabilities[token], best = row.indexOf(Math.max(...row));
    const unknown = recording.known[token] ? "" : " (not in the vocabulary)";
    find("token").textContent =
      `“${shown(recording.tokens[token])}”${unknown} contributed ${signed(recording.contributions[token])}; ` +
      `up to here the answer is ${recording.labels[best]}, ${percent(row[best])}`;
  }
  drawAnswers();
  drawMap();
  drawUnit();
}

function place(event) {
  const box = find("map").getBoundingClientRect(), bottom = box.height - ROOM;
  const token = Math.floor((event.clientX - box.left - LEFT) / column(box.width));
  const row = Math.floor(((event.clientY - box.top - 4) / (bottom - 4)) * part().hidden);
  if (token < 0 || token >= T || row < 0 || row >= part().hidden) return null;
  return { token, unit: part().orders[chosen.order][row] };
}

find("map").onmousemove = (event) => {
  const at = place(event);
  if (at) point(at.token, chosen.pinned ? chosen.unit : at.unit);
};
find("map").onclick = (event) => {
  const at = place(event);
  if (!at) return;
  chosen.pinned = !(chosen.pinned && chosen.unit === at.unit);
  point(at.token, at.unit);
};

function drawPart() {
  drawnMap = null;
  drawLetters();
  drawMap();
  drawUnit();
}

function choose() {
  const layer = Number(find("layer").value) || 0, direction = find("direction").value;
  chosen.part = recording.parts.findIndex((each) => each.layer === layer && each.direction === direction);
  Object.assign(chosen, { unit: null, pinned: false });
  drawPart();
}

function draw() {
  drawScale();
  drawAnswers();
  drawPart();
}

for (const canvas of document.querySelectorAll(".chart")) canvas.style.height = `${170 + ROOM}px`;
find("map").style.height = `${500 + ROOM}px`;
introduce();
writeText();
options("layer", [...new Set(recording.parts.map((each) => each.layer))], choose);
options("direction", [...new Set(recording.parts.map((each) => each.direction))], choose);
options("order", Object.keys(recording.parts[0].orders), (order) => { chosen.order = order; drawPart(); });
chosen.order = find("order").value;
chosen.letter = recording.first;
draw();
window.onresize = draw;
