"""Pages of other sites: which may ask, and what their browsers are told."""

import pytest
from fastapi.testclient import TestClient

from cellwright.errors import InputError
from cellwright.serve.app import make_app
from cellwright.serve.origins import allowing

HERE, THERE = "https://app.example:8443", "https://other.example"


def client(echo, origins):
    return TestClient(allowing(make_app(echo), origins), raise_server_exceptions=False)


def asked(client, origin, text="a"):
    return client.post("/predict", json={"text": text}, headers={"origin": origin})


def preflight(client, origin):
    told = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    return client.options("/predict", headers=told)


def test_none_is_allowed_unless_it_is_said(echo):
    with client(echo, None) as made:
        assert "access-control-allow-origin" not in asked(made, HERE).headers
        assert preflight(made, HERE).status_code == 405


def test_those_that_are_named_may_ask_and_no_others(echo):
    with client(echo, f"{HERE},http://localhost:3000") as made:
        for origin in (HERE, "http://localhost:3000"):
            assert preflight(made, origin).status_code == 200
            assert asked(made, origin).headers["access-control-allow-origin"] == origin
        assert preflight(made, THERE).status_code == 400
        assert "access-control-allow-origin" not in asked(made, THERE).headers


def test_any(echo):
    with client(echo, "*") as made:
        assert asked(made, THERE).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(("text", "status"), [("mistake", 422), ("failure", 500)])
def test_a_page_can_read_what_is_wrong(echo, text, status):
    with client(echo, HERE) as made:
        answer = asked(made, HERE, text)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, HERE)
        assert answer.json()["detail"]


@pytest.mark.parametrize(
    "origin", ["", "example.com", "https://a.b/", "https://a.b/path", "https://A.b", "https://a.b,"]
)
def test_what_is_no_origin_is_refused(echo, origin):
    with pytest.raises(InputError, match="--allow-origin is "):
        allowing(make_app(echo), origin)
