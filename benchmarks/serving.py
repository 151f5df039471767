"""A keystroke at the live page, and short texts from many clients, against a server of its own on loopback.

python benchmarks/serving.py [--seconds 10] [--connections 16]    # into docs/serving.md

The model is a bidirectional LSTM of H = 128, the defaults of `fit`, with weights as they are drawn: how fast it answers
does not depend on what it has learned. The texts are reviews of the built-in set.

    keystroke, server    POST /inspect of a text that grows by a character each time
    keystroke, Chromium  the same typed at the page: from the input event to the frame that shows gates and answer
    short texts          wrk's connections ask as fast as they are answered, while a client beside them compares the
                         answers that it gets with those of the predictor
    beside long work     one client asks for the attributions of a long text again and again, another for predictions

wrk, Chromium and chromedriver are left out where they are not installed. They share the processor with the server.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import torch

from cellwright.bench.timing import load
from cellwright.data import datasets
from cellwright.data.tokenizer import Tokenizer
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify.run import ClassifyRunConfig
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import save_description, save_weights
from machine import describe
from page_section import replace_measured

SERVE = "import sys; from cellwright.cli import main; sys.exit(main(['serve', *sys.argv[1:]]))"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PAGE = Path(__file__).parents[1] / "docs" / "serving.md"
KEYSTROKES, BETWEEN = 120, 0.12  # as many, and seconds between two of them: someone who types fast
LONGEST = 40  # characters of a text that is typed; of a short text, too
FEWEST = 300  # short texts beside long work, of which the 99th of 100 is told
LONG = (80, 1000)  # characters, each a token, of a text whose attributions are asked for; no more are allowed
KEYSTROKE, RATE, P99 = 50, 200, 100  # the targets: milliseconds, requests a second, milliseconds
TYPE = """
const [text, done] = arguments, pane = document.querySelector(".pane"), box = pane.querySelector("textarea");
const watch = new MutationObserver(() => {
  if (pane.dataset.text !== text) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
});
watch.observe(pane, { attributeFilter: ["data-text"] });
const began = performance.now();
box.value = text;
box.dispatchEvent(new InputEvent("input"));
"""
POST = """
local texts = {%s}
local number = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  number = number %% #texts + 1
  return wrk.format(nil, "/predict", nil, texts[number])
end
"""


def main() -> None:
    """Print what is found, and put it into the page."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seconds", type=int, default=10, help="that wrk asks")
    options.add_argument("--connections", type=int, default=16)
    given = options.parse_args()
    facts = describe()
    lines = [
        f"Written by `python benchmarks/serving.py` on {facts['date']} ({facts['processor']}), load {load():.1f}.\n"
    ]
    for line in measured(given.seconds, given.connections):
        print(line, flush=True)
        lines.append(f"- {line}")
    replace_measured(PAGE, "\n".join(lines) + "\n")


def measured(seconds: int, connections: int) -> Iterator[str]:
    """A sentence on each figure."""
    with tempfile.TemporaryDirectory() as folder:
        texts = make_run(Path(folder))
        with serving(folder) as url:
            yield keystrokes("server", asked_of_server(url, texts))
            if shutil.which("chromedriver") and (browser := shutil.which("chromium")):
                yield keystrokes("Chromium", typed_in_browser(url, texts, browser, folder))
            for tokens in LONG:
                yield beside_attributions(url, texts, tokens, seconds)
            if shutil.which("wrk"):
                yield from short_texts(url, texts, folder, seconds, connections)


def make_run(folder: Path) -> list[str]:
    """Write a run, and return short texts."""
    texts = [text for text in datasets.load("reviews-zh")["train"].texts if 8 <= len(text) <= LONGEST][:2000]
    torch.manual_seed(0)
    tokenizer = Tokenizer.train(texts, "characters", min_frequency=1)
    config = ClassifierConfig(vocab_size=tokenizer.size, classes=2, hidden_size=128)
    model = Classifier(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)  # so that an answer that belongs to another text shows
    description = ClassifyRunConfig(
        cellwright="0", labels=["neg", "pos"], model=config, fingerprint="", options={"data": "x"}
    )
    save_description(folder, description, {"tokenizer.json": tokenizer.to_json().encode()})
    save_weights(folder, model, {})
    return texts


@contextmanager
def serving(run: str) -> Iterator[str]:
    """`cellwright serve` in a process of its own; gives its address."""
    process = subprocess.Popen([sys.executable, "-c", SERVE, run, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
    finally:
        process.terminate()
        process.wait()


def growing(texts: Sequence[str]) -> Iterator[str]:
    """What stands in the box after each keystroke."""
    count = 0
    for text in texts:
        for end in range(1, len(text) + 1):
            if text[:end].strip():
                yield text[:end]
                count += 1
            if count == KEYSTROKES:
                return


def asked_of_server(url: str, texts: Sequence[str]) -> list[float]:
    """Milliseconds of each keystroke's request."""
    times = []
    with httpx.Client(base_url=url) as client:
        for text in growing(texts):
            times.append(milliseconds(client, "/inspect", {"text": text, "attributions": False}))
            time.sleep(BETWEEN)
    return times


def typed_in_browser(url: str, texts: Sequence[str], browser: str, folder: str) -> list[float]:
    """Milliseconds from each keystroke to the frame that shows it."""
    from selenium import webdriver

    settings = webdriver.ChromeOptions()
    settings.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={folder}/profile"):
        settings.add_argument(flag)
    driver = webdriver.Chrome(options=settings, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.get(url)
        driver.implicitly_wait(10)
        driver.find_element("css selector", ".pane")
        times = []
        for text in growing(texts):
            times.append(driver.execute_async_script(TYPE, text))
            time.sleep(BETWEEN)
        return times
    finally:
        driver.quit()


def keystrokes(where: str, times: Sequence[float]) -> str:
    """Their spread; the first few load and draw for the first time, and count."""
    p95 = statistics.quantiles(times, n=20)[-1]
    median = statistics.median(times)
    return (
        f"keystroke, {where}: median {median:.1f} ms (wanted: under {KEYSTROKE}), p95 {p95:.1f} ms, "
        f"longest {max(times):.1f} ms, {len(times)} keystrokes"
    )


def beside_attributions(url: str, texts: Sequence[str], tokens: int, seconds: int) -> str:
    """How long short texts, FEWEST at least, wait while another client asks for the attributions of a long one."""
    long = "".join(texts)[:tokens]
    until, ended, times, explained = time.perf_counter() + seconds, Event(), [], []

    def explain() -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not ended.is_set():
                explained.append(milliseconds(client, "/inspect", {"text": long}))

    with ThreadPoolExecutor(1) as other, httpx.Client(base_url=url, timeout=60) as client:
        explaining = other.submit(explain)
        while time.perf_counter() < until or len(times) < FEWEST:
            times.append(milliseconds(client, "/predict", {"text": texts[len(times) % len(texts)]}))
            time.sleep(0.02)
        ended.set()
        explaining.result()
    middle, late = statistics.median(times), statistics.quantiles(times, n=100)[-1]
    return (
        f"short texts beside attributions of {tokens:,} tokens: median {middle:.1f} ms, p99 {late:.1f} ms "
        f"(wanted: under {P99}), longest {max(times):.1f} ms, {len(times)} texts; the attributions: median "
        f"{statistics.median(explained):.0f} ms"
    )


def milliseconds(client: httpx.Client, path: str, body: dict[str, Any]) -> float:
    """Of a request that is answered."""
    began = time.perf_counter()
    client.post(path, json=body).raise_for_status()
    return 1000 * (time.perf_counter() - began)


def short_texts(url: str, texts: Sequence[str], folder: str, seconds: int, connections: int) -> Iterator[str]:
    """wrk's figures, and how many answers the client beside it compared."""
    script = Path(folder) / "post.lua"
    script.write_text(POST % ", ".join(lua(json.dumps({"text": text}, ensure_ascii=False)) for text in texts))
    expected = dict(zip(texts, Predictor.load(folder).predict(texts), strict=True))
    asking = subprocess.Popen(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", script, url],
        stdout=subprocess.PIPE,
        text=True,
    )
    compared = wrong = 0
    with httpx.Client(base_url=url) as client:
        while asking.poll() is None:
            text = texts[compared % len(texts)]
            answer = client.post("/predict", json={"text": text}).json()["probabilities"]
            wrong += any(abs(answer[label] - share) > 1e-5 for label, share in expected[text].probabilities.items())
            compared += 1
            time.sleep(0.02)
        batches = found(r"cellwright_batch_texts_count{work=\"predict\"} (\S+)", client.get("/metrics").text)
    told = asking.communicate()[0]
    rate = float(found(r"Requests/sec:\s+(\S+)", told))
    middle, late = (found(rf"\b{share}%\s+(\S+)", told) for share in (50, 99))
    yield (
        f"short texts, {connections} connections, {seconds} s: {rate:.0f} requests a second (wanted: {RATE}), "
        f"p50 {middle}, p99 {late} (wanted: under {P99} ms), {rate * seconds / float(batches):.1f} texts a batch"
    )
    yield from re.findall(r"(?:Socket errors|Non-2xx).*", told)
    yield f"compared meanwhile: {compared} answers, {wrong} of them wrong"


def lua(text: str) -> str:
    """A string as Lua writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def found(pattern: str, text: str) -> Any:
    """The group of the pattern."""
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in {text}"
    return match[1]


if __name__ == "__main__":
    main()
