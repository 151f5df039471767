"""What the tests of the server share: predictors that tell what they did, and a server on a port of its own."""

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from cellwright.errors import InputError
from cellwright.tasks.predictor import Prediction, Predictor

WORDS = ["a", "good", "bad", "book", "film", "好", "坏", "书", "was", "not", "very", "the", "and", "lovely", "dull"]
WAIT = 20  # seconds: far more than anything takes


@dataclass(frozen=True)
class Said(Prediction):
    text: str
    letters: int

    def line(self, text):
        return text


class Echo(Predictor):
    """Answers each text with itself; remembers its batches; waits before each batch until `go` is set."""

    def __init__(self):
        self.batches = []
        self.go = threading.Event()
        self.go.set()
        self.reached = threading.Semaphore(0)

    def predict(self, texts):
        self.batches.append(list(texts))
        self.reached.release()
        assert self.go.wait(WAIT)
        if "mistake" in texts:
            raise InputError("'mistake' cannot be answered; expected another text")
        if "failure" in texts:
            raise ArithmeticError("0 / 0")
        return [Said(text, len(text)) for text in texts]


@contextmanager
def running(app):
    """Serve on a free port of loopback; gives a client and the server."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
        thread = threading.Thread(target=server.run, args=([opened],))
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{opened.getsockname()[1]}", timeout=WAIT) as client:
                yield client, server
        finally:
            server.should_exit = True
            thread.join(WAIT)
    assert not thread.is_alive()


def in_a_thread(pool, client, text):
    """Ask for that text's answer in a thread of the pool."""
    return pool.submit(client.post, "/predict", json={"text": text})


def wait_until(true):
    """Call true() again and again until it is."""
    deadline = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refused(address):
    """Whether no connection to that address is taken any more."""
    try:
        socket.create_connection((address.host, address.port), timeout=1).close()
    except OSError:
        return True
    return False


def samples(client):
    """What GET /metrics counts."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return [sample for family in families for sample in family.samples]


def waiting(client):
    """How many requests the server says wait."""
    (found,) = (sample.value for sample in samples(client) if sample.name == "cellwright_waiting_requests")
    return found
