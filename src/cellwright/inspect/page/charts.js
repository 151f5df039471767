"use strict";
// Charts whose columns are the steps of a recording: lines, and maps of shares. A recording has one or two sequences of
// steps, its tokens, which were read, and what was written, if anything was; `written` says which of them a chart is over.

const LEFT = 44, RIGHT = 12; // what a chart leaves free at its sides
const WIDEST = 72; // a step's column: a short text does not fill the page
const ROW = 22; // the height of a row of a map of shares

class Charts {
  find(name) { return this.root.querySelector(`[data-part="${name}"]`); }
  steps(written) { return written ? this.recording.written : this.recording.tokens; }
  /** The step that is pointed at, or null. */
  pointed(written) { return this.at[written ? "written" : "read"]; }

  column(width, count, left = LEFT) { return Math.min((width - left - RIGHT) / count, WIDEST); }

  /** The steps below a chart: as many as there is room for, upright where they are wide. */
  drawSteps(context, width, top, written, left = LEFT) {
    const steps = this.steps(written), here = this.pointed(written);
    const step = this.column(width, steps.length, left), every = Math.max(1, Math.ceil(13 / step));
    const flat = steps.every((each) => context.measureText(shown(each)).width < step - 3);
    for (let t = 0; t < steps.length; t += every) {
      context.save();
      context.translate(left + (t + 0.5) * step, top);
      context.fillStyle = t === here ? theme.ink : theme.quiet;
      const single = [...shown(steps[t])].length === 1;
      context.textAlign = flat || single ? "center" : "right";
      if (!flat && !single) context.rotate(-Math.PI / 2);
      if (flat) context.fillText(shown(steps[t]), 0, 14);
      else context.fillText(shortened(shown(steps[t])), single ? 0 : -6, single ? 16 : 4);
      context.restore();
    }
  }

  /** Lines over the steps: `series` are {name, colour, at(t)}, null where there is nothing, between `low` and `high`, on
   * the ground that `ground(t)` gives each step. */
  drawLines(canvas, series, { low, high, shares = false, written = false, ground = () => "" }) {
    const T = this.steps(written).length, here = this.pointed(written), { context, width, height } = surface(canvas);
    const bottom = height - this.room, step = this.column(width, T), right = LEFT + T * step;
    const x = (t) => LEFT + (t + 0.5) * step, y = (v) => 8 + (1 - (v - low) / (high - low)) * (bottom - 8);
    for (let t = 0; t < T; t++) {
      context.fillStyle = ground(t) || "transparent";
      context.fillRect(LEFT + t * step, 8, step, bottom - 8);
    }
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
      context.fillText(shares ? `${Math.round(100 * level)} %` : minus(level.toFixed(2)), LEFT - 7, y(level) + 4);
    }
    if (here !== null) {
      context.fillStyle = theme.here;
      context.fillRect(LEFT + here * step, 8, Math.max(step, 1), bottom - 8);
    }
    for (const { colour, at } of series) {
      const there = [...Array(T).keys()].filter((t) => at(t) !== null);
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = 1.8;
      context.lineJoin = "round";
      context.beginPath();
      for (const t of there) context[t > 0 && at(t - 1) !== null ? "lineTo" : "moveTo"](x(t), y(at(t)));
      context.stroke();
      for (const t of T <= 60 ? there : there.filter((each) => each === here)) {
        context.beginPath();
        context.arc(x(t), y(at(t)), t === here ? 4 : 2.2, 0, 2 * Math.PI);
        context.fill();
      }
    }
    this.drawSteps(context, width, bottom, written);
    canvas.place = ({ across }) => {
      const t = Math.floor((across - LEFT) / step);
      return t < 0 || t >= T ? null : { step: t, written };
    };
  }

  /** Shares as a map: a row a name, a column a token. `framed(r, t)` says which are framed, `meant(r, t)` what is pointed at. */
  drawShares(canvas, names, share, { framed, meant }) {
    const { context, width, height } = surface(canvas), T = this.steps(false).length, palette = theme.palettes.gate;
    const label = (name) => shortened(shown(name), 22), left = 14 + largest(names.map((name) => context.measureText(label(name)).width));
    const bottom = height - this.room, step = this.column(width, T, left), high = (bottom - 4) / names.length;
    const every = Math.max(1, Math.ceil(12 / high));
    context.textAlign = "right";
    names.forEach((name, r) => {
      context.fillStyle = theme.quiet;
      if (r % every === 0) context.fillText(label(name), left - 7, 8 + (r + 0.5) * high);
      for (let t = 0; t < T; t++) {
        context.fillStyle = `rgb(${palette[Math.round(255 * share(r, t))].join()})`;
        context.fillRect(left + t * step, 4 + r * high, step + 0.5, high + 0.5);
      }
    });
    context.strokeStyle = theme.line;
    context.strokeRect(left - 0.5, 3.5, T * step + 1, bottom - 3);
    context.strokeStyle = theme.accent;
    context.lineWidth = 1.6;
    names.forEach((_, r) => {
      for (let t = 0; t < T; t++)
        if (framed(r, t)) context.strokeRect(left + t * step + 0.8, 4.8 + r * high, Math.max(step - 1.6, 1), high - 1.6);
    });
    this.drawSteps(context, width, bottom, false, left);
    canvas.place = ({ across, down }) => {
      const t = Math.floor((across - left) / step), r = Math.floor((down - 4) / high);
      return t < 0 || t >= T || r < 0 || r >= names.length ? null : meant(r, t);
    };
  }

  keys(name, series, text) {
    this.find(name).replaceChildren(...series.map((each) => {
      const key = element("span"), line = element("b");
      line.style.background = each.colour;
      key.append(line, text(each));
      return key;
    }));
  }
}
