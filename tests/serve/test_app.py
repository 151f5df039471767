"""The server's answers, its limits, and one sentence for whatever is wrong with a request."""

import base64
import gzip
import html
import json
import random
import re
import shlex
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

import made_series
from agreement import SINGLE, assert_agree
from cellwright.inspect.recorders import record
from cellwright.pauses import pause
from cellwright.serve.app import Capabilities, make_app
from cellwright.serve.limits import Limits
from cellwright.serve.load import app_of
from cellwright.serve.schemas import ToGenerate, ToInspect, ToPredict
from cellwright.serve.worker import SHORT
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.training import fit
from servers import WAIT, WORDS, running

JSON = {"content-type": "application/json"}
LIMITS = Limits(max_length=20, max_batch=3, max_body=400, max_inspected=10, max_generated=5)
ABLE = Capabilities(
    inspect=lambda text, attributions: {"text": text},
    write=lambda prompt, sampling: [prompt, str(sampling.seed), "." * sampling.length],
)


@pytest.fixture(scope="module")
def client(run):
    with TestClient(app_of(run, Limits())) as made:
        yield made


@pytest.fixture
def narrow(echo):
    """A server that allows little, and echoes."""
    app = make_app(echo, capabilities=ABLE, limits=LIMITS)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


# --- answers ----------------------------------------------------------------------------------------


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


# --- bad requests -----------------------------------------------------------------------------------

WRONG = {
    "no JSON": ("/predict", b"{", 422, ["not JSON"]),
    "nothing": ("/predict", b"", 422, ["not JSON"]),
    "not UTF-8": ("/predict", b'{"text": "\xff"}', 422, ["not JSON"]),
    "half a surrogate pair": ("/predict", b'{"text": "\\ud83d"}', 422, ["half of a surrogate pair"]),
    "half a pair before another": ("/predict", b'{"texts": ["a", "\\udc00b"]}', 422, ["half of a surrogate pair"]),
    "too deep": ("/predict", b"[" * 300, 422, ["recursion"]),
    "a list": ("/predict", b'["a"]', 422, ['the body is ["a"]; expected an object']),
    "null": ("/predict", b"null", 422, ["the body is null"]),
    "a number for a text": ("/predict", b'{"text": 3}', 422, ["text is 3; expected a valid string"]),
    "a text for texts": ("/predict", b'{"texts": "a"}', 422, ['texts is "a"', "array"]),
    "a number among texts": ("/predict", b'{"texts": ["a", 5]}', 422, ["texts[1] is 5; expected a valid string"]),
    "a misspelt key": ("/predict", b'{"txt": "a"}', 422, ["'txt'", "expected 'text' or 'texts'"]),
    "neither": ("/predict", b"{}", 422, ["neither of 'text' and 'texts'"]),
    "both": ("/predict", b'{"text": "a", "texts": ["a"]}', 422, ["both of 'text' and 'texts'"]),
    "no text": ("/predict", b'{"texts": []}', 422, ["0 texts; expected 1 to 3"]),
    "too many texts": ("/predict", b'{"texts": ["a", "b", "c", "d"]}', 422, ["4 texts; expected 1 to 3"]),
    "too long": ("/predict", b'{"text": "%s"}' % (b"a" * 21), 422, ["text has 21 characters; expected at most 20"]),
    "one too long": ("/predict", b'{"texts": ["", "%s"]}' % (b"a" * 21), 422, ["texts[1] has 21 characters"]),
    "too large": ("/predict", b'{"text": "%s"}' % (b"a" * 400), 413, ["more than 400 bytes"]),
    "a mistake of the model's": ("/predict", b'{"text": "mistake"}', 422, ["'mistake' cannot be answered"]),
    "a failure": ("/predict", b'{"text": "failure"}', 500, ["the server's log says why"]),
    "inspect: no text": ("/inspect", b"{}", 422, ["no 'text'; expected 'text' or 'attributions'"]),
    "inspect: texts": ("/inspect", b'{"text": "a", "texts": []}', 422, ["'texts'"]),
    "inspect: a word for yes": ("/inspect", b'{"text": "a", "attributions": "yes"}', 422, ['attributions is "yes"']),
    "inspect: too long": ("/inspect", b'{"text": "%s"}' % (b"a" * 11), 422, ["11 characters; expected at most 10"]),
    "generate: too long": ("/generate", b'{"length": 6}', 422, ["length is 6; expected at most 5 tokens"]),
    "generate: below 0": ("/generate", b'{"temperature": -1}', 422, ["temperature is -1", "or equal to 0"]),
    "generate: infinite": ("/generate", b'{"temperature": 1e999}', 422, ["temperature is Infinity", "finite number"]),
    "generate: a seed": ("/generate", b'{"seed": 9223372036854775808}', 422, ["seed is 922337203685", "or equal"]),
    "generate: no stop": ("/generate", b'{"stop": ""}', 422, ['stop is ""; expected at least 1 character']),
    "generate: a misspelt key": ("/generate", b'{"promt": "a"}', 422, ["'promt'", "'prompt'"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_what_is_wrong_is_one_sentence(narrow, mistake):
    path, content, status, parts = WRONG[mistake]
    response = narrow.post(path, content=content, headers=JSON)
    assert response.status_code == status
    (sentence,) = response.json().values()
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence
    assert narrow.post("/predict", json={"text": "next"}).json() == {"text": "next", "letters": 4}


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_form_of_another_site_is_refused(narrow, media):
    response = narrow.post("/predict", content=b'{"text": "a"}', headers={"content-type": media} if media else {})
    assert response.status_code == 415
    assert "expected application/json" in response.json()["detail"]


def test_a_compressed_body_is_refused_in_words_of_its_own(narrow):
    content = gzip.compress(b'{"text": "a"}')
    response = narrow.post("/predict", content=content, headers=JSON | {"content-encoding": "gzip"})
    assert response.status_code == 415
    expected = "the body is compressed (Content-Encoding: gzip); expected it as it is"
    assert response.json() == {"detail": expected}
    plain = narrow.post("/predict", content=b'{"text": "a"}', headers=JSON | {"content-encoding": "Identity"})
    assert plain.status_code == 200


def test_a_body_that_does_not_say_its_size_is_counted(narrow):
    response = narrow.post("/predict", content=(b" " * 99 for _ in range(99)), headers=JSON)
    assert response.status_code == 413


def test_the_longest_that_is_allowed(narrow):
    texts = ["x" * 20] * 3
    assert [each["text"] for each in narrow.post("/predict", json={"texts": texts}).json()] == texts
    assert narrow.post("/inspect", json={"text": "x" * 10}).status_code == 200


def test_paths_and_methods_that_are_not_there(narrow):
    assert narrow.get("/predict").status_code == 405
    assert narrow.get("/../pyproject.toml").status_code == 404
    assert narrow.get("/page/..%2Fapp.py").status_code == 404


def test_generate_hands_on_how(narrow):
    response = narrow.post("/generate", json={"prompt": "go", "seed": 3, "length": 2})
    assert response.json() == {"pieces": ["go", "3", ".."]}


def test_a_run_on_series_draws_nothing_and_so_explains_nothing(tmp_path):
    (tmp_path / "waves.csv").write_text(made_series.waves(60, 0))
    data, out = str(tmp_path / "waves.csv"), tmp_path / "run"
    fit(SeriesConfig(**made_series.small(data=data, out=out, max_epochs=1)), progress=False)
    with TestClient(app_of(out, Limits())) as client:
        found = client.get("/health").json()
    assert (found["inspects"], found["explains"]) == (False, False)


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


# --- load, time and the end -------------------------------------------------------------------------


def in_a_thread(pool, client, text):
    return pool.submit(client.post, "/predict", json={"text": text})


def test_too_many_at_once_are_told_to_come_back(echo):
    echo.go.clear()
    app = make_app(echo, limits=Limits(max_waiting=1))
    with running(app) as (client, _), ThreadPoolExecutor(3) as pool:
        first = in_a_thread(pool, client, "first")
        assert echo.reached.acquire(timeout=WAIT)
        second = in_a_thread(pool, client, "second")
        wait_until(lambda: waiting(client) == 1)
        third = client.post("/predict", json={"text": "third"})
        assert (third.status_code, third.headers["retry-after"]) == (503, "1")
        assert "1 requests wait already" in third.json()["detail"]
        echo.go.set()
        assert [each.result(WAIT).json()["text"] for each in (first, second)] == ["first", "second"]


def test_an_answer_that_takes_too_long_is_given_up(echo):
    echo.go.clear()
    with running(make_app(echo, limits=Limits(timeout=0.3))) as (client, _), ThreadPoolExecutor(2) as pool:
        late = [in_a_thread(pool, client, text) for text in ("first", "second")]
        for each in late:
            assert each.result(WAIT).status_code == 504
            assert "no answer within 0.3 s" in each.result().json()["detail"]
        echo.go.set()
        assert client.post("/predict", json={"text": "after"}).json()["text"] == "after"
    assert ["after"] in echo.batches
    assert len(echo.batches) == 2  # the one that still waited was never computed


def test_a_body_that_does_not_come_is_not_waited_for(echo):
    with running(make_app(echo, limits=Limits(timeout=0.3))) as (client, _):
        with socket.create_connection((client.base_url.host, client.base_url.port)) as slow:
            slow.settimeout(WAIT)
            slow.sendall(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
            )
            got = slow.makefile("rb").read()  # until the server closes the connection
        assert got.startswith(b"HTTP/1.1 408 ")
        assert b"has not arrived within 0.3 s" in got


def test_ending_answers_what_was_accepted(echo):
    echo.go.clear()
    with ThreadPoolExecutor(3) as pool:
        with running(make_app(echo)) as (client, server):
            accepted = [in_a_thread(pool, client, text) for text in ("a", "b", "c")]
            wait_until(lambda: waiting(client) + sum(map(len, echo.batches)) == 3)
            server.should_exit = True
            wait_until(lambda: refused(client.base_url))
            echo.go.set()
            assert sorted(each.result(WAIT).json()["text"] for each in accepted) == ["a", "b", "c"]
        assert threading.active_count() < 20


def wait_until(true):
    deadline = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refused(address):
    try:
        socket.create_connection((address.host, address.port), timeout=1).close()
    except OSError:
        return True
    return False


# --- what it tells of itself ------------------------------------------------------------------------


def samples(client):
    families = text_string_to_metric_families(client.get("/metrics").text)
    return [sample for family in families for sample in family.samples]


def waiting(client):
    (found,) = (sample.value for sample in samples(client) if sample.name == "cellwright_waiting_requests")
    return found


def test_metrics_count_requests_batches_and_time(narrow):
    narrow.post("/predict", json={"texts": ["a", "b"]})
    narrow.post("/predict", json={"text": "c"})
    narrow.post("/predict", json={"texts": []})
    narrow.get("/made/up")
    found = {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples(narrow)}
    assert found["cellwright_requests_total", "/predict", "200"] == 2
    assert found["cellwright_requests_total", "/predict", "422"] == 1
    assert found["cellwright_requests_total", "404", "other"] == 1
    assert found["cellwright_batch_texts_sum", "predict"] == 3
    assert found["cellwright_request_seconds_count", "/predict"] == 3
    assert 0 < found["cellwright_batch_seconds_sum", "predict"] < WAIT


@pytest.mark.parametrize("path", ["/", "/page/view.js", "/health", "/metrics", "/docs", "/openapi.json"])
def test_head_is_answered_as_get_without_the_body(echo, path):
    with running(make_app(echo)) as (client, _):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-type", "content-security-policy"):
            assert head.headers.get(name) == got.headers.get(name)
        assert client.head("/predict").status_code == 405


def test_docs_tell_every_path_and_field_without_a_network(client):
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page.text)
    for path in ("POST /predict", "POST /inspect", "POST /generate", "GET /health", "GET /metrics"):
        assert f"<code>{path}</code>" in page.text
    for kind in (ToPredict, ToInspect, ToGenerate):
        for name, field in kind.model_fields.items():
            row = f"<td>{name}</td><td>{html.escape(field.description)}</td>"
            assert row + ("<td>required</td>" if field.is_required() else "") in page.text
    command = html.unescape(re.search(r"<pre>(curl [^<]*/predict [^<]*)</pre>", page.text)[1])
    words = shlex.split(command)
    assert client.post(words[1].removeprefix("http://127.0.0.1:8000"), json=json.loads(words[-1])).status_code == 200


def test_openapi_tells_bodies_and_problems(client):
    told = client.get("/openapi.json").json()
    assert set(told["paths"]) == {"/predict", "/inspect", "/generate", "/health", "/metrics"}
    for path, kind in (("/predict", ToPredict), ("/inspect", ToInspect), ("/generate", ToGenerate)):
        operation = told["paths"][path]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert set(schema["properties"]) == set(kind.model_fields)
        assert {"200", "408", "413", "415", "422", "503", "504"} <= set(operation["responses"])
        for example in schema["examples"]:
            kind.model_validate_json(json.dumps(example))


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


def test_a_client_that_goes_away_harms_nobody(echo):
    echo.go.clear()
    with running(make_app(echo)) as (client, _):
        with pytest.raises(httpx.ReadTimeout):
            client.post("/predict", json={"text": "gone"}, timeout=0.2)
        echo.go.set()
        assert client.post("/predict", json={"text": "here"}).json()["text"] == "here"


def test_who_goes_away_ends_the_long_work_of_their_request(echo):
    began, ended = threading.Event(), threading.Event()

    def inspect(text, attributions):
        began.set()
        try:
            while True:
                pause()
                time.sleep(0.001)
        finally:
            ended.set()

    capabilities = Capabilities(inspect=inspect, effort=lambda text, attributions: SHORT + 1)
    with running(make_app(echo, capabilities=capabilities)) as (client, _):
        with pytest.raises(httpx.ReadTimeout):
            client.post("/inspect", json={"text": "long"}, timeout=0.2)
        assert began.is_set()
        assert ended.wait(WAIT)
        assert client.post("/predict", json={"text": "here"}).json()["text"] == "here"


def test_while_one_waits_for_long_work_others_are_answered(echo):
    go = threading.Event()

    def inspect(text, attributions):
        while not go.is_set():
            pause()
            time.sleep(0.001)
        return {"text": text}

    capabilities = Capabilities(inspect=inspect, effort=lambda text, attributions: SHORT + 1)
    with running(make_app(echo, capabilities=capabilities)) as (client, _), ThreadPoolExecutor(1) as pool:
        long = pool.submit(client.post, "/inspect", json={"text": "long"})
        for number in range(20):
            assert client.post("/predict", json={"text": str(number)}).json()["text"] == str(number)
        assert not long.done()
        go.set()
        assert long.result(WAIT).json() == {"text": "long"}


def test_work_that_takes_too_long_is_ended_and_not_only_given_up(echo):
    ended = threading.Event()

    def inspect(text, attributions):
        try:
            while True:
                pause()
                time.sleep(0.001)
        finally:
            ended.set()

    capabilities = Capabilities(inspect=inspect, effort=lambda text, attributions: SHORT + 1)
    with running(make_app(echo, capabilities=capabilities, limits=Limits(timeout=0.2))) as (client, _):
        assert client.post("/inspect", json={"text": "long"}).status_code == 504
        assert ended.wait(WAIT)
