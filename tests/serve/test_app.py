"""The server's answers, its paths and its page."""

import base64
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fastapi.testclient import TestClient

import made_series
from agreement import SINGLE, assert_agree
from cellwright.inspect.recorders import record
from cellwright.serve.app import make_app
from cellwright.serve.limits import Limits
from cellwright.serve.load import app_of
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.training import fit
from servers import WORDS, running, samples


def test_one_text_has_the_predictors_answer(client, run):
    (expected,) = Predictor.load(run).predict(["a good 好 book"])
    answer = client.post("/predict", json={"text": "a good 好 book"}).json()
    assert answer["label"] == expected.label
    assert_agree(answer["probabilities"], expected.probabilities, SINGLE)


def test_several_have_theirs_in_order(client, run):
    texts = ["bad", "", "a good book", "\u2028 \0", "bad", "🙂"]
    expected = Predictor.load(run).predict(texts)
    answers = client.post("/predict", json={"texts": texts}).json()
    assert [answer["label"] for answer in answers] == [each.label for each in expected]
    for answer, each in zip(answers, expected, strict=True):
        assert_agree(answer["probabilities"], each.probabilities, SINGLE)


def test_many_clients_at_once_each_get_their_own(run):
    draw = random.Random(0)
    texts = list({" ".join(draw.choices(WORDS, k=draw.randint(1, 12))) for _ in range(300)})
    expected = dict(zip(texts, Predictor.load(run).predict(texts), strict=True))
    assert len({round(each.probability, 5) for each in expected.values()}) > 200  # a mixed-up answer would show
    with running(app_of(run, Limits())) as (client, _):

        def ask(text):
            return client.post("/predict", json={"text": text}).json()["probabilities"]

        with ThreadPoolExecutor(12) as pool:
            for text, answer in zip(texts, pool.map(ask, texts), strict=True):
                assert_agree(answer, expected[text].probabilities, SINGLE)
        (most,) = (sample.value for sample in samples(client) if sample.name == "cellwright_batch_texts_sum")
        (batches,) = (sample.value for sample in samples(client) if sample.name == "cellwright_batch_texts_count")
    assert most == len(texts)
    assert batches < len(texts)  # some were answered together


def test_inspect_tells_the_recording(client, run):
    recording = record(load_run(run), "a good 坏 film")
    told = client.post("/inspect", json={"text": "a good 坏 film"}).json()
    assert told["tokens"] == recording.tokens
    assert told["answer"] == recording.answer
    assert np.abs(told["answers"]["values"] - recording.answers.values).max() < 1e-4
    assert np.abs(told["attributions"] - recording.attributions.values).max() < 1e-3
    forward = next(part for part in told["parts"] if part["direction"] == "forward")
    (gate,) = (letter for letter in forward["letters"] if letter["name"] == "f")
    values = np.frombuffer(base64.b64decode(gate["data"]), np.uint8).reshape(16, 4).T / 255
    assert np.abs(values - recording.of(0, "forward").values["f"]).max() <= 1 / 500


def test_inspect_without_attributions_says_the_rest(client):
    full, rest = (client.post("/inspect", json={"text": "good", "attributions": each}).json() for each in (True, False))
    assert {key for key in full if key not in rest} == {"attributions", "completeness"}
    assert rest["answers"] == full["answers"]


def test_health_tells_what_is_served(client, run):
    told = client.get("/health").json()
    assert told["status"] == "ok"
    assert told["run"] == f"{run}, classify"
    assert told["inspects"] is True


def test_generate_hands_on_how(narrow):
    response = narrow.post("/generate", json={"prompt": "go", "seed": 3, "length": 2})
    assert response.json() == {"pieces": ["go", "3", ".."]}


def test_a_run_on_series_draws_nothing_and_so_explains_nothing(tmp_path):
    (tmp_path / "waves.csv").write_text(made_series.waves(60, 0))
    data, out = str(tmp_path / "waves.csv"), tmp_path / "run"
    fit(SeriesConfig(**made_series.small(data=data, out=out, max_epochs=1)), progress=False)
    app = app_of(out, Limits())
    with TestClient(app) as client:
        found = client.get("/health").json()
    assert (found["inspects"], found["explains"]) == (False, False)
    assert app.state.served["inspects"] is False  # by which `serve` says what its page shows


def test_a_model_without_gates_says_so(echo):
    with TestClient(make_app(echo)) as client:
        assert client.post("/generate", json={}).status_code == 404
        response = client.post("/inspect", json={"text": "a"})
        assert (response.status_code, client.get("/health").json()["inspects"]) == (404, False)
    assert "POST /predict" in response.json()["detail"]


def test_inspect_says_what_a_recording_cannot_be_of(client):
    response = client.post("/inspect", json={"text": "  "})
    assert response.status_code == 422
    assert "no token" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/", "/page/view.js", "/health", "/metrics", "/docs", "/openapi.json"])
def test_head_is_answered_as_get_without_the_body(echo, path):
    with running(make_app(echo)) as (client, _):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-security-policy"):
            assert head.headers.get(name) == got.headers.get(name)
        assert client.head("/predict").status_code == 405


def test_the_page_and_its_files_come_from_the_package(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "{{" not in page.text
    assert "http:" not in page.text
    assert "https:" not in page.text
    for name, media in (("view.js", "text/javascript"), ("live.js", "text/javascript"), ("look.css", "text/css")):
        assert f"page/{name}" in page.text
        response = client.get(f"/page/{name}")
        assert response.headers["content-type"].startswith(media)
        assert "//" not in response.text or "http" not in response.text


def test_paths_and_methods_that_are_not_there(narrow):
    assert narrow.get("/predict").status_code == 405
    assert narrow.get("/../pyproject.toml").status_code == 404
    assert narrow.get("/page/..%2Fapp.py").status_code == 404
