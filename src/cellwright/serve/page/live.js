"use strict";
// The live page: a pane a sentence, two to compare. Each keystroke asks the server, and the answer is drawn by View.

const find = (id) => document.getElementById(id);
const choice = new Choice();
choice.order = "as trained"; // units keep their places from one keystroke to the next
const panes = [];
const WRITTEN = 80; // tokens that a language model writes at a click
const BEAT = 70; // milliseconds from one of them to the next
const PAUSE = 250; // milliseconds without a keystroke until the contributions, which take longer than the rest, are asked for

/** The server's answer, or an Error with its one sentence. */
async function post(path, content) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content) });
  } catch {
    throw new Error("The server does not answer: is it still running?");
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

class Pane {
  constructor(label, served) {
    this.root = find("pane").content.firstElementChild.cloneNode(true);
    this.served = served;
    this.asked = this.busy = false;
    this.text = this.root.querySelector("textarea");
    this.root.setAttribute("aria-label", label);
    this.root.querySelector('[data-part="label"]').textContent = label;
    // While an input method composes, what stands there is spelling, not text.
    this.text.oninput = (event) => {
      this.rest();
      if (!event.isComposing) this.ask();
    };
    this.text.oncompositionend = () => this.ask();
    find("panes").append(this.root);
    if (served.inspects) this.view = new View(this.root, choice, served.explains);
    this.button = this.root.querySelector(".write");
    this.button.hidden = !served.generates;
    this.button.onclick = () => this.write();
  }

  /** Ask for what stands there now. One request is under way at most; where the text has changed since, its answer is
   * dropped and the newest text is asked for. */
  async ask() {
    this.asked = true;
    clearTimeout(this.paused);
    if (this.busy) return;
    this.busy = true;
    while (this.asked) {
      this.asked = false;
      const began = performance.now(), text = this.text.value;
      const [answer, problem] = text.trim() ? await this.answer(text).then((made) => [made, null], (error) => [null, error]) : [null, null];
      if (!this.asked) this.draw(text, answer, problem, began);
    }
    this.busy = false;
  }

  answer(text) { return this.view ? post("inspect", { text, contributions: false }) : post("predict", { text }); }

  /** Ask for the contributions to the answer that is drawn. */
  async explain(recording) {
    const text = this.text.value;
    const full = await post("inspect", { text }).catch(() => null); // the next keystroke tells what is wrong
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
        this.text.value += piece;
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
    plain.textContent = answer && !this.view ? JSON.stringify(answer, null, 2) : "";
    if (this.view && answer) {
      this.view.show(answer);
      if (this.served.explains) this.paused = setTimeout(() => this.explain(answer), PAUSE);
    } else this.empty();
    // For who measures the page: the text that is drawn, and the milliseconds since its keystroke.
    Object.assign(this.root.dataset, { text, milliseconds: (performance.now() - began).toFixed(1) });
  }

  empty() {
    for (const part of ["answer", "about"]) this.root.querySelector(`[data-part="${part}"]`).textContent = "";
    this.view?.clear();
  }

  remove() {
    clearTimeout(this.paused);
    this.root.remove();
    if (this.view) choice.views.splice(choice.views.indexOf(this.view), 1);
  }
}

function compare(served) {
  const two = panes.length === 1;
  if (two) {
    panes.push(new Pane("Second sentence", served));
    panes[1].text.value = panes[0].text.value; // to change a word of
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
