"use strict";
// Draws recordings, as report.py describes them, into the parts of view.html:
//     new View(root, new Choice()).show(recording)
// Views that are given one Choice are side by side: they show the same gate of the same layer in one order of units and
// on one scale of colours.

const MOST_CLASSES = 6;
const MOST_TAGS = 12;
const HIGHEST = 640; // of the map of the attention

/** Which letter of which part is shown, and how: one for all views that are side by side. */
class Choice {
  constructor() {
    Object.assign(this, { layer: null, direction: "forward", letter: null, order: null, unit: null, pinned: false, views: [] });
    window.addEventListener("resize", () => this.draw());
    dark.addEventListener("change", () => { theme = readTheme(); this.draw(); });
  }
  /** The views that have something to draw. */
  get drawn() { return this.views.filter((view) => view.recording); }
  draw() { for (const view of this.drawn) view.draw(); }
  choose(change) { Object.assign(this, change); this.draw(); }
  /** The furthest value from zero of the letter that is shown, so that a colour is one value in every view. */
  furthest(name) { return largest(this.drawn.map((view) => view.letterOf(name)?.high ?? 0)); }
  get strongest() { return Math.max(1e-9, largest(this.drawn.flatMap((view) => view.shades.map(Math.abs)))); }
  /** The units from top to bottom: those of the first view. */
  get units() {
    const { orders } = this.drawn[0].part;
    return orders[this.order] ?? Object.values(orders)[0];
  }
}

class View extends AnnotatedText {
  /** `explains`: whether attributions come, where they are not there yet. */
  constructor(root, choice, explains = false) {
    super();
    Object.assign(this, { root, choice, explains, recording: null });
    choice.views.push(this);
    const map = this.find("map");
    map.onpointermove = (event) => {
      const at = this.place(event);
      if (at) this.point({ step: at.step, written: this.part.written }, choice.pinned ? choice.unit : at.unit);
    };
    map.onclick = (event) => {
      const at = this.place(event);
      if (at) this.hold(at.step, at.unit);
    };
    for (const chart of root.querySelectorAll(".chart"))
      chart.onpointermove = (event) => {
        const box = chart.getBoundingClientRect(), at = chart.place?.({ across: event.clientX - box.left, down: event.clientY - box.top });
        if (at) this.point(at, choice.unit);
      };
    map.onkeydown = (event) => this.press(event);
    this.find("layer").onchange = (event) => this.choosePart({ layer: event.target.value });
    this.find("direction").onchange = (event) => this.choosePart({ direction: event.target.value });
    this.find("order").onchange = (event) => choice.choose({ order: event.target.value });
  }

  /** The height of the tokens below a chart: in all views the same, so that charts stand level. */
  get room() { return largest(this.choice.drawn.map((view) => view.labels)); }

  // --- what it is -----------------------------------------------------------------------------------
  show(recording) {
    for (const part of recording.parts)
      for (const letter of part.letters)
        letter.bytes = Uint8Array.from(atob(letter.data), (character) => character.charCodeAt(0)); // [unit * T + step]
    const labels = Math.max(...[recording.tokens, recording.written].map(labelRoom));
    Object.assign(this, { recording, labels, at: { read: null, written: null } }); // at: the steps that are pointed at
    this.choice.letter ??= recording.first;
    this.introduce();
    this.writeText();
    this.choice.draw();
  }

  /** What each token contributed, where the server tells it after the rest. */
  explain({ attributions, completeness }) {
    Object.assign(this.recording, { attributions, completeness });
    this.find("completeness").textContent = completeness;
    for (const view of this.choice.drawn) view.explained();
  }

  clear() {
    this.recording = null;
    this.choice.draw();
  }

  /** The part that is chosen, else the first of its layer, else the first. */
  get part() {
    const { layer, direction } = this.choice, { parts } = this.recording, here = parts.filter((each) => each.layer === layer);
    return here.find((each) => each.direction === direction) ?? here[0] ?? parts[0];
  }
  letterOf(name) { return this.part.letters.find((each) => each.name === name); }
  get letter() { return this.letterOf(this.choice.letter) ?? this.part.letters[0]; }
  valueOf(letter, unit, step) {
    return letter.low + (letter.bytes[unit * this.steps(this.part.written).length + step] / 255) * (letter.high - letter.low);
  }

  introduce() {
    const { recording } = this, { answers, step } = recording, explains = this.explains || Boolean(recording.attributions);
    const share = recording.share === null ? [] : [element("span", percent(recording.share), "share")];
    const lead = recording.lead ? [element("span", recording.lead, "lead")] : [];
    this.find("answer").replaceChildren(...lead, element("span", recording.answer), ...share);
    this.find("about").textContent = recording.about;
    this.find("heading").textContent = explains ? `What each ${step} contributed` : recording.heading;
    this.find("explained").textContent = explains ? `to “${recording.answer}”` : "";
    this.find("course").textContent = `The answer, ${step} by ${step}`;
    this.find("meaning").textContent = answers.meaning;
    this.find("token").textContent = `Point at a ${step}.`;
    this.find("text").hidden = Boolean(recording.channels);
    this.find("channels").hidden = !recording.channels;
    this.find("looking").hidden = !recording.attention;
    this.find("following").hidden = recording.follow.length === 0;
    this.find("follow").replaceChildren(...table(["follows", "unit", "correlation"], recording.follow));
    this.find("completeness").textContent = recording.completeness ?? "";
    this.find("rounding").textContent = recording.rounding;
    this.find("saturation").replaceChildren(...table(["gate", "closed", "open", "mean"], recording.saturation));
    this.find("memory").replaceChildren(...(recording.memory.length
      ? table(["state", "shortest tenth", "median", "longest tenth"], recording.memory)
      : [element("caption", recording.forgetful)]));
  }

  draw() {
    for (const canvas of this.root.querySelectorAll(".chart")) canvas.style.height = `${170 + this.room}px`;
    const { answers, attention } = this.recording, high = (rows) => `${Math.min(rows * ROW, HIGHEST) + 4 + this.room}px`;
    if (answers.exclude) this.find("answers").style.height = high(this.rows(MOST_TAGS).length);
    if (attention) this.find("attention").style.height = high(attention.length);
    this.find("map").style.height = `${(this.choice.views.length > 1 ? 380 : 500) + this.room}px`;
    this.offer("layer", [...new Set(this.recording.parts.map((each) => each.layer))], this.part.layer);
    this.offer("direction", [...new Set(this.recording.parts.map((each) => each.direction))], this.part.direction);
    this.offer("order", Object.keys(this.part.orders), this.choice.order);
    this.explained();
    this.drawCourse();
    this.drawLetters();
    this.picture = null;
    this.drawMap();
    this.drawUnit();
  }

  explained() {
    this.mark();
    this.find("scale").style.display = this.shades.length || this.explains ? "" : "none";
    this.find("scale").style.visibility = this.shades.length ? "visible" : "hidden"; // it keeps its room
    this.drawScale();
    this.drawChannels();
  }

  offer(name, values, chosen) {
    const select = this.find(name);
    const there = [...select.options].map((option) => option.value);
    if (there.join() !== values.join()) select.replaceChildren(...values.map((value) => element("option", value)));
    if (chosen !== null) select.value = chosen;
  }

  // --- charts ---------------------------------------------------------------------------------------
  /** The channels of a series, on the ground of what each step contributed. */
  drawChannels() {
    const { channels } = this.recording;
    if (!channels) return;
    const drawn = channels.names.slice(0, theme.series.length), more = channels.names.length - drawn.length;
    const series = drawn.map((name, c) => ({ name, colour: theme.series[c], at: (t) => channels.values[t][c] }));
    this.drawLines(this.find("channels"), series, { ...this.range(series, channels.values.length), ground: (t) => this.ground(t) });
    const t = this.at.read, value = (v) => (v === null ? "missing" : minus(v.toFixed(2)));
    this.keys("channel-keys", series, (each) => (t === null ? each.name : `${each.name} ${value(each.at(t))}`));
    this.find("channel-keys").append(element("span", `Values ${channels.unit}.` +
      (more > 0 ? ` ${more} more channels are not drawn.` : "")));
    this.find("channels").setAttribute("aria-label", `The channels ${drawn.join(", ")}`);
  }

  /** From where to where lines of values go, in whole numbers. */
  range(series, T) {
    const all = series.flatMap((each) => [...Array(T).keys()].map(each.at)).filter((value) => value !== null);
    return { low: Math.floor(-largest(all.map((value) => -value))), high: Math.ceil(largest(all)) || 1 };
  }

  /** The names whose values are largest somewhere, in their order. */
  rows(most) {
    const { names, values } = this.recording.answers, peak = names.map((_, k) => largest(values.map((row) => Math.abs(row[k]))));
    return names.map((_, k) => k).sort((a, b) => peak[b] - peak[a]).slice(0, most).sort((a, b) => a - b);
  }

  /** The answer step by step, and where it looked. */
  drawCourse() {
    if (this.recording.answers.exclude) this.drawTags();
    else this.drawAnswers();
    if (this.recording.attention) this.drawAttention();
  }

  drawAnswers() {
    const { names, values, shares, written } = this.recording.answers;
    const series = this.rows(MOST_CLASSES).map((k, line) => ({ name: names[k], colour: theme.series[line], at: (t) => values[t][k] }));
    const range = shares ? { low: 0, high: 1 } : this.range(series, values.length);
    this.drawLines(this.find("answers"), series, { ...range, shares, written });
    const t = this.pointed(written) ?? values.length - 1;
    const text = (each) => `${each.name} ${shares ? percent(each.at(t)) : minus(each.at(t).toFixed(2))}`;
    this.keys("classes", series, text);
    this.find("answers").setAttribute("aria-label", `Step ${t + 1} of ${values.length}: ${series.map(text).join(", ")}`);
  }

  drawTags() {
    const { tokens, tags, answers: { names, values, said } } = this.recording, rows = this.rows(MOST_TAGS);
    this.drawShares(this.find("answers"), rows.map((k) => names[k]), (r, t) => values[t][rows[r]], {
      framed: (r, t) => names[rows[r]] === tags[t],
      meant: (r, t) => ({ step: t, written: false }),
    });
    const more = names.length - rows.length;
    this.find("classes").textContent = `Framed: the tag that was chosen.${more > 0 ? ` ${more} tags less probable are not drawn.` : ""}`;
    this.find("answers").setAttribute("aria-label", said.map((each, t) => `${tokens[t]}: ${each}`).join(". "));
  }

  drawAttention() {
    const { written, attention, answers: { said } } = this.recording;
    this.drawShares(this.find("attention"), written, (w, t) => attention[w][t], {
      framed: (w, t) => w === this.at.written && t === this.at.read,
      meant: (w, t) => ({ step: w, written: true, also: t }),
    });
    this.find("attention").setAttribute("aria-label", written.map((each, w) => `${each}: ${said[w]}`).join(". "));
  }

  // --- maps -----------------------------------------------------------------------------------------
  /** The map of a letter as an image of T × H pixels, its units in the chosen order. */
  image(letter) {
    const T = this.steps(this.part.written).length, { units } = this.choice, H = units.length, canvas = document.createElement("canvas");
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
    const { choice, letter, part: { written } } = this, { units } = choice, H = units.length, map = this.find("map");
    const { context, width, height } = surface(map), T = this.steps(written).length, here = this.pointed(written);
    const bottom = height - this.room, step = this.column(width, T), high = (bottom - 4) / H;
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
    if (here !== null) context.strokeRect(LEFT + here * step, 4, step, bottom - 4);
    const row = units.indexOf(choice.unit);
    if (row >= 0) context.strokeRect(LEFT, 4 + row * high, T * step, Math.max(high, 2));
    this.drawSteps(context, width, bottom, written);
    this.find("range").textContent = `${letter.name}, ${letter.role}: ${this.colours(letter)}`;
    map.setAttribute("aria-label",
      `${letter.name}, ${letter.role}, of ${H} units at ${T} steps. The arrow keys go from step to step and from unit to unit; Enter holds a unit.`);
  }

  colours(letter) {
    const [none, all] = dark.matches ? ["dark", "bright"] : ["white", "dark"];
    if (letter.kind === "gate") return `${none} 0, ${all} 1`;
    const furthest = Number(this.choice.furthest(letter.name).toPrecision(3));
    return `blue −${furthest}, ${none} 0, red ${furthest}`;
  }

  drawUnit() {
    const { part, choice } = this, here = this.pointed(part.written), unit = choice.unit ?? part.orders["by peak"][0];
    const gates = part.letters.filter((each) => each.kind === "gate"), others = part.letters.filter((each) => each.kind !== "gate");
    const series = [...gates, ...others].map((each, k) => (
      { name: each.name, colour: theme.series[k % theme.series.length], at: (t) => this.valueOf(each, unit, t) }));
    const all = series.flatMap((each) => this.steps(part.written).map((_, t) => each.at(t)));
    const high = Math.ceil(Math.max(1, largest(all))), low = Math.floor(-Math.max(1, largest(all.map((each) => -each))));
    this.drawLines(this.find("lines"), series, { low, high, written: part.written });
    const hint = choice.pinned ? "click again to let go" : "click on the map to hold it";
    this.find("unit").textContent = `Unit ${unit}${part.memory[unit] || ""} (${hint})`;
    const text = (each) => (here === null ? each.name : `${each.name} ${minus(each.at(here).toFixed(2))}`);
    this.keys("line-keys", series, text);
    this.find("lines").setAttribute("aria-label", `Unit ${unit}: ${series.map(text).join(", ")}`);
  }

  // --- what the reader does -------------------------------------------------------------------------
  /** Point at a step here, and at a unit in all views; `also`: at a token, together with what was written. */
  point({ step, written = false, also = this.at.read }, unit) {
    this.at = written ? { read: also, written: step } : { read: step, written: null };
    this.choice.unit = unit;
    this.mark();
    this.drawChannels();
    this.drawCourse();
    for (const view of this.choice.drawn) {
      view.drawMap();
      view.drawUnit();
    }
  }

  hold(step, unit) {
    this.choice.pinned = !(this.choice.pinned && this.choice.unit === unit);
    this.point({ step, written: this.part.written }, unit);
  }

  choosePart({ layer = this.choice.layer, direction = this.choice.direction }) { this.choice.choose({ layer, direction, unit: null, pinned: false }); }

  /** The step and the unit under the pointer, or null. */
  place(event) {
    if (!this.recording) return null;
    const { units } = this.choice, box = this.find("map").getBoundingClientRect(), bottom = box.height - this.room;
    const T = this.steps(this.part.written).length, step = Math.floor((event.clientX - box.left - LEFT) / this.column(box.width, T));
    const row = Math.floor(((event.clientY - box.top - 4) / (bottom - 4)) * units.length);
    return step < 0 || step >= T || row < 0 || row >= units.length ? null : { step, unit: units[row] };
  }

  press(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Enter: [0, 0] }[event.key];
    if (!steps || !this.recording) return;
    event.preventDefault();
    const { units, unit } = this.choice, row = Math.max(0, units.indexOf(unit)), { written } = this.part, here = this.pointed(written);
    const within = (at, count) => Math.min(Math.max(at, 0), count - 1);
    const step = here === null ? 0 : within(here + steps[0], this.steps(written).length);
    const next = units[unit === null ? 0 : within(row + steps[1], units.length)];
    if (event.key === "Enter") this.hold(step, next);
    else this.point({ step, written }, next);
  }
}
