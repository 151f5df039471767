"use strict";
// Draws recordings, as report.py describes them, into the parts of view.html:
//     new View(root, new Choice()).show(recording)
// Views that are given one Choice are side by side: they show the same gate of the same layer in one order of units and
// on one scale of colours.

const MOST_CLASSES = 6;
const LEFT = 44, RIGHT = 12; // what a chart leaves free at its sides
const WIDEST = 72; // a token's column: a short text does not fill the page

/** Which letter of which part is shown, and how: one for all views that are side by side. */
class Choice {
  constructor() {
    Object.assign(this, { layer: 0, direction: "forward", letter: null, order: null, unit: null, pinned: false, views: [] });
    window.addEventListener("resize", () => this.draw());
    dark.addEventListener("change", () => { theme = readTheme(); this.draw(); });
  }
  /** The views that have something to draw. */
  get drawn() { return this.views.filter((view) => view.recording); }
  draw() { for (const view of this.drawn) view.draw(); }
  choose(change) { Object.assign(this, change); this.draw(); }
  /** The furthest value from zero of the letter that is shown, so that a colour is one value in every view. */
  furthest(name) { return largest(this.drawn.map((view) => view.letterOf(name)?.high ?? 0)); }
  get strongest() { return Math.max(1e-9, largest(this.drawn.flatMap((view) => (view.recording.contributions ?? []).map(Math.abs)))); }
  /** The units from top to bottom: those of the first view. */
  get units() {
    const { orders } = this.drawn[0].part;
    return orders[this.order] ?? Object.values(orders)[0];
  }
}

class View {
  constructor(root, choice) {
    Object.assign(this, { root, choice, recording: null, token: null });
    choice.views.push(this);
    const map = this.find("map");
    map.onpointermove = (event) => {
      const at = this.place(event);
      if (at) this.point(at.token, choice.pinned ? choice.unit : at.unit);
    };
    map.onclick = (event) => {
      const at = this.place(event);
      if (at) this.hold(at.token, at.unit);
    };
    map.onkeydown = (event) => this.press(event);
    this.find("layer").onchange = (event) => this.choosePart({ layer: Number(event.target.value) });
    this.find("direction").onchange = (event) => this.choosePart({ direction: event.target.value });
    this.find("order").onchange = (event) => choice.choose({ order: event.target.value });
  }

  /** The height of the tokens below a chart: in all views the same, so that charts stand level. */
  get room() { return largest(this.choice.drawn.map((view) => view.labels)); }

  find(name) { return this.root.querySelector(`[data-part="${name}"]`); }

  // --- what it is -----------------------------------------------------------------------------------
  show(recording) {
    for (const part of recording.parts)
      for (const letter of part.letters)
        letter.bytes = Uint8Array.from(atob(letter.data), (character) => character.charCodeAt(0)); // [unit * T + token]
    Object.assign(this, { recording, token: null, T: recording.tokens.length, labels: labelRoom(recording.tokens) });
    this.choice.letter ??= recording.first;
    this.introduce();
    this.choice.draw();
  }

  /** What each token contributed, where the server tells it after the rest. */
  explain({ contributions, completeness }) {
    Object.assign(this.recording, { contributions, completeness });
    this.find("completeness").textContent = completeness;
    for (const view of this.choice.drawn) view.explained();
  }

  clear() {
    this.recording = null;
    this.choice.draw();
  }

  /** The part that is chosen, else the first. */
  get part() {
    const { layer, direction } = this.choice, { parts } = this.recording;
    return parts.find((each) => each.layer === layer && each.direction === direction) ?? parts[0];
  }
  letterOf(name) { return this.part.letters.find((each) => each.name === name); }
  get letter() { return this.letterOf(this.choice.letter) ?? this.part.letters[0]; }
  valueOf(letter, unit, token) {
    return letter.low + (letter.bytes[unit * this.T + token] / 255) * (letter.high - letter.low);
  }

  introduce() {
    const { recording } = this, last = recording.probabilities[this.T - 1], best = recording.labels.indexOf(recording.label);
    this.find("answer").replaceChildren(element("span", recording.label), element("span", percent(last[best]), "share"));
    this.find("about").textContent = recording.about;
    this.find("explained").textContent = `to “${recording.label}”`;
    this.find("meaning").textContent = recording.meaning;
    this.find("token").textContent = "Point at a token.";
    this.find("completeness").textContent = recording.completeness ?? "";
    this.find("rounding").textContent = recording.rounding;
    this.find("saturation").replaceChildren(...table(["gate", "closed", "open", "mean"], recording.saturation));
    this.find("memory").replaceChildren(...(recording.memory.length
      ? table(["state", "shortest tenth", "median", "longest tenth"], recording.memory)
      : [element("caption", recording.forgetful)]));
  }

  draw() {
    for (const canvas of this.root.querySelectorAll(".chart")) canvas.style.height = `${170 + this.room}px`;
    this.find("map").style.height = `${(this.choice.views.length > 1 ? 380 : 500) + this.room}px`;
    this.offer("layer", [...new Set(this.recording.parts.map((each) => each.layer))], this.part.layer);
    this.offer("direction", [...new Set(this.recording.parts.map((each) => each.direction))], this.part.direction);
    this.offer("order", Object.keys(this.part.orders), this.choice.order);
    this.explained();
    this.drawAnswers();
    this.drawLetters();
    this.picture = null;
    this.drawMap();
    this.drawUnit();
  }

  explained() {
    this.writeText();
    this.find("scale").style.visibility = this.recording.contributions ? "visible" : "hidden";
    this.drawScale();
  }

  offer(name, values, chosen) {
    const select = this.find(name);
    const there = [...select.options].map((option) => option.value);
    if (there.join() !== values.join()) select.replaceChildren(...values.map((value) => element("option", value)));
    if (chosen !== null) select.value = chosen;
  }

  // --- the text -------------------------------------------------------------------------------------
  writeText() {
    const { recording } = this, pieces = [];
    recording.tokens.forEach((token, t) => {
      if (recording.between[t]) pieces.push(document.createTextNode(recording.between[t]));
      const span = element("span", token === "\n" ? "↵\n" : token, recording.known[t] ? "" : "unknown");
      if (recording.contributions) span.style.background = this.tint(recording.contributions[t]);
      span.onpointerenter = () => this.point(t, this.choice.unit);
      span.dataset.token = t;
      pieces.push(span);
    });
    this.find("text").replaceChildren(...pieces);
    this.mark();
  }

  tint(contribution) {
    const share = Math.abs(contribution) / this.choice.strongest;
    return `rgba(${(contribution > 0 ? theme.for : theme.against).join()}, ${(0.62 * share).toFixed(3)})`;
  }

  /** Say what the token that is pointed at did. */
  mark() {
    const { recording, token } = this, text = this.find("text");
    for (const old of text.querySelectorAll(".here")) old.classList.remove("here");
    if (token === null) return;
    text.querySelector(`[data-token="${token}"]`).classList.add("here");
    const row = recording.probabilities[token], best = row.indexOf(Math.max(...row));
    const unknown = recording.known[token] ? "" : " (not in the vocabulary)";
    const contributed = recording.contributions ? ` contributed ${signed(recording.contributions[token])}` : "";
    this.find("token").textContent =
      `“${shown(recording.tokens[token])}”${unknown}${contributed}; ` +
      `up to here the answer is ${recording.labels[best]}, ${percent(row[best])}`;
  }

  drawScale() {
    const { context, width } = surface(this.find("scale")), { strongest } = this.choice;
    for (let x = 0; x < width; x++) {
      context.fillStyle = this.tint(strongest * ((2 * x) / (width - 1) - 1));
      context.fillRect(x, 0, 1, 12);
    }
    context.fillStyle = theme.quiet;
    context.fillText(`${signed(-strongest)} against`, 0, 28);
    context.textAlign = "right";
    context.fillText(`for ${signed(strongest)}`, width, 28);
  }

  // --- charts over the tokens -----------------------------------------------------------------------
  column(width) { return Math.min((width - LEFT - RIGHT) / this.T, WIDEST); }

  /** The tokens below a chart: as many as there is room for, upright where they are wide. */
  drawTokens(context, width, top) {
    const { tokens } = this.recording;
    const step = this.column(width), every = Math.max(1, Math.ceil(13 / step));
    const flat = tokens.every((token) => context.measureText(shown(token)).width < step - 3);
    for (let t = 0; t < this.T; t += every) {
      context.save();
      context.translate(LEFT + (t + 0.5) * step, top);
      context.fillStyle = t === this.token ? theme.ink : theme.quiet;
      const single = [...shown(tokens[t])].length === 1;
      context.textAlign = flat || single ? "center" : "right";
      if (!flat && !single) context.rotate(-Math.PI / 2);
      if (flat) context.fillText(shown(tokens[t]), 0, 14);
      else context.fillText(shortened(shown(tokens[t])), single ? 0 : -6, single ? 16 : 4);
      context.restore();
    }
  }

  /** Lines over the tokens: `series` are {name, colour, at(t)}, between `low` and `high`. */
  drawLines(canvas, series, low, high, percentages) {
    const { T, token } = this, { context, width, height } = surface(canvas);
    const bottom = height - this.room, step = this.column(width), right = LEFT + T * step;
    const x = (t) => LEFT + (t + 0.5) * step, y = (v) => 8 + (1 - (v - low) / (high - low)) * (bottom - 8);
    context.textAlign = "right";
    for (let k = 0; k <= 4; k++) {
      const level = low + (k / 4) * (high - low);
      context.strokeStyle = Math.abs(level) < 1e-9 ? theme.edge : theme.line;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(LEFT, y(level));
      context.lineTo(right, y(level));
      context.stroke();
      context.fillStyle = theme.quiet;
      context.fillText(percentages ? `${Math.round(100 * level)} %` : minus(level.toFixed(2)), LEFT - 7, y(level) + 4);
    }
    if (token !== null) {
      context.fillStyle = theme.here;
      context.fillRect(LEFT + token * step, 8, Math.max(step, 1), bottom - 8);
    }
    for (const { colour, at } of series) {
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = 1.8;
      context.lineJoin = "round";
      context.beginPath();
      for (let t = 0; t < T; t++) context.lineTo(x(t), y(at(t)));
      context.stroke();
      const dots = T <= 60 ? [...Array(T).keys()] : token === null ? [] : [token];
      for (const t of dots) {
        context.beginPath();
        context.arc(x(t), y(at(t)), t === token ? 4 : 2.2, 0, 2 * Math.PI);
        context.fill();
      }
    }
    this.drawTokens(context, width, bottom);
  }

  keys(name, series, text) {
    this.find(name).replaceChildren(...series.map((each) => {
      const key = element("span"), line = element("b");
      line.style.background = each.colour;
      key.append(line, text(each));
      return key;
    }));
  }

  drawAnswers() {
    const { labels, probabilities } = this.recording, peak = (k) => largest(probabilities.map((row) => row[k]));
    const classes = labels.map((_, k) => k).sort((a, b) => peak(b) - peak(a)).slice(0, MOST_CLASSES).sort((a, b) => a - b);
    const series = classes.map((k, line) => ({ name: labels[k], colour: theme.series[line], at: (t) => probabilities[t][k] }));
    this.drawLines(this.find("answers"), series, 0, 1, true);
    const t = this.token ?? this.T - 1, text = (each) => `${each.name} ${percent(each.at(t))}`;
    this.keys("classes", series, text);
    this.find("answers").setAttribute("aria-label", `After ${t + 1} of ${this.T} tokens: ${series.map(text).join(", ")}`);
  }

  // --- maps -----------------------------------------------------------------------------------------
  /** The map of a letter as an image of T × H pixels, its units in the chosen order. */
  image(letter) {
    const { T } = this, { units } = this.choice, H = units.length, canvas = document.createElement("canvas");
    Object.assign(canvas, { width: T, height: H });
    const context = canvas.getContext("2d"), pixels = context.createImageData(T, H), palette = theme.palettes[letter.kind];
    const shrunk = letter.kind === "gate" ? 1 : letter.high / this.choice.furthest(letter.name); // to the scale of all views
    for (let row = 0; row < H; row++)
      for (let t = 0; t < T; t++) {
        const byte = letter.bytes[units[row] * T + t], at = 4 * (row * T + t);
        const [red, green, blue] = palette[Math.round(127.5 + (byte - 127.5) * shrunk)];
        pixels.data[at] = red;
        pixels.data[at + 1] = green;
        pixels.data[at + 2] = blue;
        pixels.data[at + 3] = 255;
      }
    context.putImageData(pixels, 0, 0);
    return canvas;
  }

  /** A button a letter, with its map in small. The buttons stay, so that the one with the focus keeps it. */
  drawLetters() {
    const { letters } = this.part, box = this.find("letters");
    if ([...box.children].map((button) => button.dataset.letter).join() !== letters.map((each) => each.name).join())
      box.replaceChildren(...letters.map((each) => this.button(each)));
    letters.forEach((each, k) => {
      const button = box.children[k], pressed = String(each === this.letter);
      if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
      const { context, width, height } = surface(button.querySelector("canvas"));
      context.imageSmoothingEnabled = false;
      context.drawImage(this.image(each), 0, 0, width, height);
    });
  }

  button(letter) {
    const button = element("button");
    button.type = "button";
    button.dataset.letter = letter.name;
    button.append(element("i", letter.name), element("span", letter.role, "quiet"), element("canvas"));
    button.onclick = () => this.choice.choose({ letter: letter.name });
    return button;
  }

  drawMap() {
    const { choice, letter, T } = this, { units } = choice, H = units.length, map = this.find("map");
    const { context, width, height } = surface(map);
    const bottom = height - this.room, step = this.column(width), high = (bottom - 4) / H;
    context.imageSmoothingEnabled = false;
    context.drawImage((this.picture ||= this.image(letter)), LEFT, 4, T * step, bottom - 4); // kept while the pointer moves
    context.strokeStyle = theme.line;
    context.strokeRect(LEFT - 0.5, 3.5, T * step + 1, bottom - 3);
    context.fillStyle = theme.quiet;
    context.save();
    context.translate(16, (4 + bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(`${H} units, ${this.find("order").value}`, 0, 0);
    context.restore();
    context.strokeStyle = theme.frame;
    context.lineWidth = 1.2;
    if (this.token !== null) context.strokeRect(LEFT + this.token * step, 4, step, bottom - 4);
    const row = units.indexOf(choice.unit);
    if (row >= 0) context.strokeRect(LEFT, 4 + row * high, T * step, Math.max(high, 2));
    this.drawTokens(context, width, bottom);
    this.find("range").textContent = `${letter.name}, ${letter.role}: ${this.range(letter)}`;
    map.setAttribute("aria-label",
      `${letter.name}, ${letter.role}, of ${H} units at ${T} tokens. The arrow keys go from token to token and from unit to unit; Enter holds a unit.`);
  }

  range(letter) {
    const [none, all] = dark.matches ? ["dark", "bright"] : ["white", "dark"];
    if (letter.kind === "gate") return `${none} 0, ${all} 1`;
    const furthest = Number(this.choice.furthest(letter.name).toPrecision(3));
    return `blue −${furthest}, ${none} 0, red ${furthest}`;
  }

  drawUnit() {
    const { part, choice, token } = this, unit = choice.unit ?? part.orders["by peak"][0];
    const gates = part.letters.filter((each) => each.kind === "gate"), others = part.letters.filter((each) => each.kind !== "gate");
    const series = [...gates, ...others].map((each, k) => (
      { name: each.name, colour: theme.series[k % theme.series.length], at: (t) => this.valueOf(each, unit, t) }));
    const all = series.flatMap((each) => this.recording.tokens.map((_, t) => each.at(t)));
    const high = Math.ceil(Math.max(1, largest(all))), low = Math.floor(-Math.max(1, largest(all.map((each) => -each))));
    this.drawLines(this.find("lines"), series, low, high, false);
    const hint = choice.pinned ? "click again to let go" : "click on the map to hold it";
    this.find("unit").textContent = `Unit ${unit}${part.memory[unit] || ""} (${hint})`;
    const text = (each) => (token === null ? each.name : `${each.name} ${minus(each.at(token).toFixed(2))}`);
    this.keys("line-keys", series, text);
    this.find("lines").setAttribute("aria-label", `Unit ${unit}: ${series.map(text).join(", ")}`);
  }

  // --- what the reader does -------------------------------------------------------------------------
  /** Point at a token here, and at a unit in all views. */
  point(token, unit) {
    this.token = token;
    this.choice.unit = unit;
    this.mark();
    this.drawAnswers();
    for (const view of this.choice.drawn) {
      view.drawMap();
      view.drawUnit();
    }
  }

  hold(token, unit) {
    this.choice.pinned = !(this.choice.pinned && this.choice.unit === unit);
    this.point(token, unit);
  }

  choosePart(change) { this.choice.choose({ ...change, unit: null, pinned: false }); }

  /** The token and the unit under the pointer, or null. */
  place(event) {
    if (!this.recording) return null;
    const { units } = this.choice, box = this.find("map").getBoundingClientRect(), bottom = box.height - this.room;
    const token = Math.floor((event.clientX - box.left - LEFT) / this.column(box.width));
    const row = Math.floor(((event.clientY - box.top - 4) / (bottom - 4)) * units.length);
    return token < 0 || token >= this.T || row < 0 || row >= units.length ? null : { token, unit: units[row] };
  }

  press(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Enter: [0, 0] }[event.key];
    if (!steps || !this.recording) return;
    event.preventDefault();
    const { units, unit } = this.choice, row = Math.max(0, units.indexOf(unit));
    const within = (at, count) => Math.min(Math.max(at, 0), count - 1);
    const token = this.token === null ? 0 : within(this.token + steps[0], this.T);
    const next = units[unit === null ? 0 : within(row + steps[1], units.length)];
    if (event.key === "Enter") this.hold(token, next);
    else this.point(token, next);
  }
}
