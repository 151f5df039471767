"""What the server tells of itself: its metrics, its documentation, its schema."""

import html
import json
import re
import shlex

from cellwright.serve.inference import ToInfer
from cellwright.serve.schemas import ToGenerate, ToInspect, ToPredict
from servers import WAIT, samples


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


def test_docs_tell_every_path_and_field_without_a_network(client):
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page.text)
    infer = "POST /v2/models/{name}/infer"
    for path in ("POST /predict", "POST /inspect", "POST /generate", infer, "GET /v2", "GET /health", "GET /metrics"):
        assert f"<code>{path}</code>" in page.text
    for kind in (ToPredict, ToInspect, ToGenerate, ToInfer):
        for name, field in kind.model_fields.items():
            row = f"<td>{name}</td><td>{html.escape(field.description)}</td>"
            assert row + ("<td>required</td>" if field.is_required() else "") in page.text
    command = html.unescape(re.search(r"<pre>(curl [^<]*/predict [^<]*)</pre>", page.text)[1])
    words = shlex.split(command)
    assert client.post(words[1].removeprefix("http://127.0.0.1:8000"), json=json.loads(words[-1])).status_code == 200


def test_openapi_tells_bodies_and_problems(client):
    told = client.get("/openapi.json").json()
    bodies = {"/predict": ToPredict, "/inspect": ToInspect, "/generate": ToGenerate, "/v2/models/{name}/infer": ToInfer}
    protocol = {"", "/health/live", "/health/ready", "/models/{name}", "/models/{name}/ready"}
    assert set(told["paths"]) == {*bodies, "/health", "/metrics", *(f"/v2{each}" for each in protocol)}
    for path, kind in bodies.items():
        operation = told["paths"][path]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert set(schema["properties"]) == set(kind.model_fields)
        assert {"200", "408", "413", "415", "422", "503", "504"} <= set(operation["responses"])
        for example in schema["examples"]:
            kind.model_validate_json(json.dumps(example))
