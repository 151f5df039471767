"""The Open Inference Protocol beside /predict: the same answers as tensors, in JSON and as bytes."""

import json
import struct
from urllib.parse import urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient

from agreement import SINGLE, assert_agree
from cellwright.serve.app import make_app
from servers import Echo, running

TEXTS = ["a good book", "坏 书", "not very good"]
HEADER = "Inference-Header-Content-Length"


def body(texts, **more):
    return {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": texts}], **more}


def path(client):
    name = client.get("/health").json()["run"].split(", ")[0].rsplit("/", 1)[1]
    return f"/v2/models/{name}"


@pytest.fixture
def expected(client):
    return client.post("/predict", json={"texts": TEXTS}).json()


def test_the_tensors_are_the_answers_of_predict(client, expected):
    got = client.post(f"{path(client)}/infer", json=body(TEXTS, id="7")).json()
    label, probabilities = got["outputs"]
    assert got["id"] == "7"
    assert (label["name"], label["datatype"], label["shape"]) == ("label", "BYTES", [3])
    assert label["data"] == [each["label"] for each in expected]
    assert (probabilities["datatype"], probabilities["shape"]) == ("FP32", [3, 3])
    (told,) = (each for each in client.get(path(client)).json()["outputs"] if each["name"] == "probabilities")
    labels = json.loads(told["parameters"]["labels"])
    assert labels == ["good", "so so", "坏"]
    rows = [[each["probabilities"][name] for name in labels] for each in expected]
    assert_agree(probabilities["data"], np.ravel(rows).tolist(), SINGLE)


def test_one_column_of_texts_and_one_output(client, expected):
    given = body(TEXTS, outputs=[{"name": "label"}])
    given["inputs"][0] |= {"shape": [3, 1], "data": [[each] for each in TEXTS]}
    (label,) = client.post(f"{path(client)}/infer", json=given).json()["outputs"]
    assert label["data"] == [each["label"] for each in expected]


def test_bytes_go_both_ways(client, expected):
    """As Triton's clients send: data behind the JSON, no content type."""
    encoded = [each.encode() for each in TEXTS]
    data = b"".join(struct.pack("<I", len(each)) + each for each in encoded)
    given = body(TEXTS, parameters={"binary_data_output": True})
    given["inputs"][0] = {
        "name": "text",
        "datatype": "BYTES",
        "shape": [3],
        "parameters": {"binary_data_size": len(data)},
    }
    head = json.dumps(given).encode()
    response = client.post(f"{path(client)}/infer", content=head + data, headers={HEADER: str(len(head))})
    assert response.status_code == 200, response.text
    length = int(response.headers[HEADER])
    told, rest = json.loads(response.content[:length]), response.content[length:]
    sizes = [each["parameters"]["binary_data_size"] for each in told["outputs"]]
    assert sum(sizes) == len(rest)
    labels, place = [], 0
    while place < sizes[0]:
        end = place + 4 + struct.unpack_from("<I", rest, place)[0]
        labels.append(rest[place + 4 : end].decode())
        place = end
    assert labels == [each["label"] for each in expected]
    rows = np.frombuffer(rest[sizes[0] :], "<f4").reshape(3, 3)
    assert_agree(rows[:, 0].tolist(), [each["probabilities"]["good"] for each in expected], SINGLE)


def test_who_asks_for_health_and_readiness_is_told(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get(f"{path(client)}/ready").json()["ready"] is True
    assert client.get("/v2").json()["name"] == "cellwright"
    assert client.head("/v2/health/ready").status_code == 200


def test_answers_that_are_no_tensors_come_as_json(echo):
    with TestClient(make_app(echo, model="echo")) as client:
        (answer,) = client.post("/v2/models/echo/infer", json=body(["好"])).json()["outputs"]
        assert [json.loads(each) for each in answer["data"]] == [{"text": "好", "letters": 1}]


def test_texts_of_both_ways_are_answered_together(echo):
    from concurrent.futures import ThreadPoolExecutor

    from servers import in_a_thread, wait_until, waiting

    echo.go.clear()
    with running(make_app(echo, model="echo")) as (client, _), ThreadPoolExecutor() as pool:
        first = in_a_thread(pool, client, "first")
        assert echo.reached.acquire(timeout=20)
        later = [
            in_a_thread(pool, client, "second"),
            pool.submit(client.post, "/v2/models/echo/infer", json=body(["third"])),
        ]
        wait_until(lambda: waiting(client) == 2)
        echo.go.set()
        assert all(each.result().status_code == 200 for each in [first, *later])
    assert [len(batch) for batch in echo.batches] == [1, 2]


def harmed(**change):
    given = body(["a"])
    given["inputs"][0] |= change
    return given


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"inputs": []}, "the inputs are []; expected one, 'text'"),
        ({}, "the body has no 'inputs'; expected 'id' or 'parameters' or 'inputs' or 'outputs'"),
        (harmed(name="x"), "the inputs are ['x']; expected one, 'text'"),
        (harmed(datatype="FP32"), "the datatype of text is 'FP32'; expected 'BYTES'"),
        (harmed(shape=[2]), "the shape of text is [2]; expected [n] or [n, 1] of its 1 texts"),
        (harmed(shape=[0], data=[]), "text has 0 texts; expected 1 to 256"),
        (harmed(data=[1]), "the data of text hold int; expected a list of strings"),
        (harmed(data=["a" * 10_001]), "text[0] has 10,001 characters; expected at most 10,000"),
        (harmed(parameters={"binary_data_size": 3}), "binary_data_size is 3; expected 0, the bytes behind the JSON"),
        (harmed(parameters=[1]), "the parameters of text are [1]; expected an object"),
        (body(["a"], outputs=[{"name": "x"}]), "there is no output 'x'; expected 'answer'"),
        (body(["a"], outputs=[{"name": ["x"]}]), "there is no output ['x']; expected 'answer'"),
        (
            body(["a"], outputs=[{"name": "answer", "parameters": {"classification": 2}}]),
            "output 'answer' asks for classification; expected it without: probabilities has all",
        ),
    ],
)
def test_what_is_wrong_is_a_sentence_under_the_protocols_name(given, sentence, echo):
    with TestClient(make_app(echo, model="echo")) as client:
        response = client.post("/v2/models/echo/infer", json=given)
    assert (response.status_code, response.json()) == (422, {"error": sentence})


@pytest.mark.parametrize(
    ("headers", "content", "status", "sentence"),
    [
        (
            {HEADER: "99"},
            b"{}",
            422,
            "Inference-Header-Content-Length is 99; expected the bytes of JSON, of 2 in the body",
        ),
        ({HEADER: "x"}, b"{}", 422, "Inference-Header-Content-Length is x; expected"),
        ({HEADER: "9" * 5000}, b"{}", 422, "Inference-Header-Content-Length is 99999999999999999999; expected"),
        ({"content-type": "text/plain"}, b"{}", 415, "the content type is text/plain; expected application/json"),
        ({"origin": "https://a.com"}, b"{}", 415, "the content type is missing; expected application/json"),
    ],
)
def test_what_another_site_could_send_and_odd_headers_are_refused(headers, content, status, sentence, echo):
    with TestClient(make_app(echo, model="echo")) as client:
        response = client.post("/v2/models/echo/infer", content=content, headers=headers)
    assert response.status_code == status
    assert sentence in response.json()["error"]


def bytes_of_text(data):
    given = harmed(parameters={"binary_data_size": len(data)})
    head = json.dumps(given).encode()
    return {"content": head + data, "headers": {HEADER: str(len(head))}}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x05\0\0\0abc", "the bytes of text end within text 0"),
        (b"\x01\0\0", "the bytes of text end within text 0"),
        (b"\x01\0\0\0\xff", "text[0] is not UTF-8"),
    ],
)
def test_bytes_that_are_no_texts_are_refused(data, sentence, echo):
    with TestClient(make_app(echo, model="echo")) as client:
        response = client.post("/v2/models/echo/infer", **bytes_of_text(data))
    assert response.status_code == 422
    assert sentence in response.json()["error"]


def test_a_model_that_is_not_served_is_404(client):
    for each in (client.get("/v2/models/other"), client.post("/v2/models/other/infer", json=body(["a"]))):
        assert each.status_code == 404
        assert "there is no model 'other'; expected" in each.json()["error"]


@pytest.mark.parametrize("binary", [False, True])
def test_tritons_own_client_is_answered(binary):
    triton = pytest.importorskip("tritonclient.http", reason="Triton's client is in no extra")
    with running(make_app(Echo(), model="echo")) as (client, _):
        theirs = triton.InferenceServerClient(urlsplit(str(client.base_url)).netloc)
        assert theirs.is_server_live()
        assert theirs.is_server_ready()
        assert theirs.is_model_ready("echo")
        assert theirs.get_model_metadata("echo")["inputs"][0]["datatype"] == "BYTES"
        given = triton.InferInput("text", [2], "BYTES")
        given.set_data_from_numpy(np.array(["a", "好"], dtype=object), binary_data=binary)
        wanted = [triton.InferRequestedOutput("answer", binary_data=binary)]
        for outputs in (wanted, None):
            found = theirs.infer("echo", [given], outputs=outputs, request_id="7").as_numpy("answer")
            texts = [json.loads(each if isinstance(each, str) else each.decode())["text"] for each in found]
            assert texts == ["a", "好"]
        theirs.close()
