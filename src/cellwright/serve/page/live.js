"use strict";
// The live page: a pane a sentence, two to compare. Each keystroke asks the server, and the answer is drawn by View.

const find = (id) => document.getElementById(id);
const choice = new Choice();
const panes = [];
const WRITTEN = 80; // tokens that a language model writes at a click
const BEAT = 70; // milliseconds from one of them to the next
const PAUSE = 250; // milliseconds without a keystroke until the attributions, which take longer than the rest, are asked for

/** The server's answer, or an Error with its one sentence. `signal` takes the question back. */
async function post(path, content, signal) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content), signal });
  } catch {
    throw new Error("The server does not answer: is it still running?");
  }
  const answer = await response.json().catch(() => ({ detail: `The server answers with status ${response.status}, and no reason.` }));
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

/** Numbers as they are read, not as they are computed. */
const rounded = (name, value) => (typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value);

class Pane {
  constructor(label, served) {
    this.root = find("pane").content.firstElementChild.cloneNode(true);
    this.served = served;
    this.text = this.root.querySelector("textarea");
    this.root.setAttribute("aria-label", label);
    this.root.querySelector('[data-part="label"]').textContent = label;
    this.greet();
    // While an input method composes, what stands there is spelling, not text.
    this.text.oninput = (event) => {
      this.rest();
      this.typed();
      if (!event.isComposing || !this.text.value.trim()) this.ask();
    };
    this.text.oncompositionend = () => this.ask();
    find("panes").append(this.root);
    if (served.inspects) this.view = new View(this.root, choice, served.explains);
    this.button = this.root.querySelector(".write");
    this.button.hidden = !served.generates;
    this.button.onclick = () => this.write();
  }

  /** What an empty page says, and the example that it offers. */
  greet() {
    const { inspects, example } = this.served, offer = this.root.querySelector(".example");
    const word = inspects ? "Each keystroke draws every gate and state of each token, and the answer as it comes." : "Each keystroke shows the answer.";
    this.root.querySelector('[data-part="greeting"]').textContent = word + (example ? " For example:" : "");
    offer.hidden = !example;
    offer.textContent = example;
    offer.onclick = () => {
      this.set(example);
      this.text.focus();
      this.ask();
    };
  }

  set(text) {
    this.text.value = text;
    this.typed();
  }

  /** The box grows with its text; what is drawn of another text is dimmed at once. */
  typed() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight + this.text.offsetHeight - this.text.clientHeight}px`;
    this.root.classList.toggle("stale", this.text.value !== this.root.dataset.text);
  }

  /** Ask for what stands there now. What was asked for before is taken back: the newest text comes first. */
  async ask() {
    this.asking?.abort();
    clearTimeout(this.paused);
    const asking = (this.asking = new AbortController()), text = this.text.value, began = performance.now();
    if (!text.trim()) return this.draw(text, null, null, began);
    const [answer, problem] = await this.answer(text, asking.signal).then((made) => [made, null], (error) => [null, error]);
    if (this.asking === asking) this.draw(text, answer, problem, began);
  }

  answer(text, signal) {
    return this.view ? post("inspect", { text, attributions: false }, signal) : post("predict", { text }, signal);
  }

  /** Ask for the attributions to the answer that is drawn; the next keystroke takes that back. */
  async explain(recording) {
    const text = this.text.value;
    const full = await post("inspect", { text }, this.asking.signal).catch(() => null); // the next keystroke tells what is wrong
    if (full && this.view.recording === recording && this.text.value === text) this.view.explain(full);
  }

  /** Let the model write on, token by token, each drawn as if it had been typed; a key or another click ends it. */
  async write() {
    if (this.writing) return this.rest();
    const turn = (this.writing = {});
    this.button.textContent = "Stop";
    try {
      const { pieces } = await post("generate", { prompt: this.text.value, length: WRITTEN });
      for (const piece of pieces) {
        if (this.writing !== turn) return;
        this.set(this.text.value + piece);
        await Promise.all([this.ask(), new Promise((done) => setTimeout(done, BEAT))]);
      }
    } catch (error) {
      this.root.querySelector(".problem").textContent = error.message;
    }
    if (this.writing === turn) this.rest();
  }

  rest() {
    this.writing = null;
    this.button.textContent = "Write on";
  }

  draw(text, answer, problem, began) {
    this.root.classList.toggle("drawn", Boolean(this.view && answer));
    this.root.querySelector(".problem").textContent = problem ? problem.message : "";
    const plain = this.root.querySelector(".plain");
    plain.textContent = answer && !this.view ? JSON.stringify(answer, rounded, 2) : "";
    if (this.view && answer) {
      this.view.show(answer);
      if (this.served.explains) this.paused = setTimeout(() => this.explain(answer), PAUSE);
    } else this.empty();
    // For who measures the page: the text that is drawn, and the milliseconds since its keystroke.
    Object.assign(this.root.dataset, { text, milliseconds: (performance.now() - began).toFixed(1) });
    this.root.classList.toggle("stale", this.text.value !== text);
  }

  empty() {
    for (const part of ["answer", "about"]) this.root.querySelector(`[data-part="${part}"]`).textContent = "";
    this.view?.clear();
  }

  remove() {
    this.asking?.abort();
    clearTimeout(this.paused);
    this.root.remove();
    if (this.view) choice.views.splice(choice.views.indexOf(this.view), 1);
  }
}

function compare(served) {
  const two = panes.length === 1;
  if (two) {
    panes.push(new Pane("Second sentence", served));
    panes[1].set(panes[0].text.value); // to change a word of
  } else panes.pop().remove();
  find("compare").setAttribute("aria-pressed", two);
  document.querySelector("main").classList.toggle("two", two);
  choice.draw(); // in the width that there is now
  panes.at(-1).text.focus();
  if (two) panes[1].ask();
}

async function start() {
  const served = await (await fetch("health")).json();
  find("run").textContent = [served.run, served.reads].filter(Boolean).join(". ");
  panes.push(new Pane("Sentence", served));
  panes[0].text.focus();
  find("compare").onclick = () => compare(served);
}
start();
