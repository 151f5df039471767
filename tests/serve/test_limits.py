"""Many clients at once, work that takes too long, clients that go away, and the end."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from cellwright.pauses import pause
from cellwright.serve.app import Capabilities, make_app
from cellwright.serve.limits import Limits
from cellwright.serve.worker import SHORT
from servers import WAIT, in_a_thread, refused, running, wait_until, waiting


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


def test_a_client_that_goes_away_harms_nobody(echo):
    echo.go.clear()
    with running(make_app(echo)) as (client, _):
        with pytest.raises(httpx.ReadTimeout):
            client.post("/predict", json={"text": "gone"}, timeout=0.2)
        echo.go.set()
        assert client.post("/predict", json={"text": "here"}).json()["text"] == "here"


def endless_work():
    """An event that is set when the work begins, one when it ends, and the capability whose work has no end."""
    began, ended = threading.Event(), threading.Event()

    def inspect(text, attributions):
        began.set()
        try:
            while True:
                pause()
                time.sleep(0.001)
        finally:
            ended.set()

    return began, ended, Capabilities(inspect=inspect, effort=lambda text, attributions: SHORT + 1)


def test_who_goes_away_ends_the_long_work_of_their_request(echo):
    began, ended, capabilities = endless_work()
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
    _, ended, capabilities = endless_work()
    with running(make_app(echo, capabilities=capabilities, limits=Limits(timeout=0.2))) as (client, _):
        assert client.post("/inspect", json={"text": "long"}).status_code == 504
        assert ended.wait(WAIT)
