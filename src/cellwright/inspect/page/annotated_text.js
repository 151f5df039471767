"use strict";
// The text of a recording: its tokens on the ground of what is known of them, and in words what the step that is pointed
// at did.

class AnnotatedText extends Charts {
  /** What the text is tinted by, a number a token. */
  get shades() { return this.recording.attributions ?? this.recording.bits ?? []; }

  writeText() {
    const { recording } = this, pieces = [];
    recording.tokens.forEach((token, t) => {
      if (recording.between[t]) pieces.push(document.createTextNode(recording.between[t]));
      const span = element("span", token === "\n" ? "↵\n" : token, recording.known[t] ? "" : "unknown");
      span.onpointerenter = () => this.point({ step: t }, this.choice.unit);
      span.dataset.token = t;
      pieces.push(recording.tags.length ? tagged(span, recording.tags[t]) : span);
    });
    this.find("text").replaceChildren(...pieces);
  }

  /** The ground of a token: how much the written symbol that is pointed at looked there, else what is known of it. */
  ground(t) {
    const { recording, shades } = this, row = recording.attention?.[this.at.written];
    if (row) return this.tint(row[t], 1);
    return shades.length ? this.tint(recording.bits ? -shades[t] : shades[t], this.choice.strongest) : "";
  }

  tint(value, strongest) {
    const share = Math.abs(value) / strongest;
    return `rgba(${(value > 0 ? theme.for : theme.against).join()}, ${(0.62 * share).toFixed(3)})`;
  }

  /** Tint the text, and say what the step that is pointed at did. */
  mark() {
    const { read, written } = this.at;
    for (const span of this.find("text").querySelectorAll("[data-token]")) {
      span.style.background = this.ground(Number(span.dataset.token));
      span.classList.toggle("here", Number(span.dataset.token) === read);
    }
    if (written !== null) this.find("token").textContent = this.saidOfWritten(written);
    else if (read !== null) this.find("token").textContent = this.saidOfRead(read);
  }

  saidOfRead(t) {
    const { tokens, known, channels, attributions, bits, answers, attention, written } = this.recording;
    const name = (channels ? `Step ${tokens[t]}` : `“${shown(tokens[t])}”`) + (known[t] ? "" : " (not in the vocabulary)");
    if (attention) {
      const looked = attention.map((row) => row[t]), most = looked.indexOf(largest(looked));
      return `${name}: “${shown(written[most])}” looked at it most, ${percent(looked[most])}`;
    }
    if (attributions) return `${name} contributed ${signed(attributions[t])}; ${answers.said[t]}`;
    return bits ? `${name} had ${bits[t].toFixed(1)} bits; ${answers.said[t]}` : `${name}: ${answers.said[t]}`;
  }

  saidOfWritten(step) { return `“${shown(this.recording.written[step])}”: ${this.recording.answers.said[step]}`; }

  drawScale() {
    const { context, width } = surface(this.find("scale")), { strongest } = this.choice, surprisal = Boolean(this.recording.bits);
    for (let x = 0; x < width; x++) {
      const share = x / (width - 1);
      context.fillStyle = this.tint(surprisal ? -share : 2 * share - 1, 1);
      context.fillRect(x, 0, 1, 12);
    }
    const ends = surprisal ? ["0 bits", `${strongest.toFixed(1)} bits`] : [`${signed(-strongest)} against`, `for ${signed(strongest)}`];
    context.fillStyle = theme.quiet;
    context.fillText(ends[0], 0, 28);
    context.textAlign = "right";
    context.fillText(ends[1], width, 28);
    const meaning = surprisal ? "The stronger the colour, the more bits." : "Orange speaks against the answer, green for it.";
    this.find("scale").setAttribute("aria-label", meaning);
  }
}
