import asyncio
import gc
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest
import torch

from cellwright.cli.serve import _listening, _run, _take_threads
from cellwright.serve.limits import Address, Computing, Limits

COMMAND = [sys.executable, "-c", "import sys; from cellwright.cli import main; sys.exit(main())", "serve"]


@pytest.mark.slow
def test_serves_until_it_is_told_to_end(run):
    process = subprocess.Popen(
        [*COMMAND, str(run), "--port", "0", "--max-length", "12", "--allow-origin", "https://a.example"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        said = process.stdout.readline()
        address, served = re.fullmatch(
            r"(http://127\.0\.0\.1:\d+/) shows the gates of (.+) as you type; .*\n", said
        ).groups()
        answer = httpx.post(f"{address}predict", json={"text": "a great 好"}, headers={"origin": "https://a.example"})
        refused = httpx.post(f"{address}predict", json={"text": "a great phone"})
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (served, answer.json()["label"]) == (str(run), "very good")
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    assert refused.json()["detail"] == "text has 13 characters; expected at most 12"
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_a_port_that_is_taken_is_one_sentence(cellwright, run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = cellwright("serve", run, "--port", port)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"cellwright: cannot listen at 127.0.0.1, port {port}: Address already in use; choose")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--host", "256.0.0.1"], ["--host is 256.0.0.1: ", "expected an address of this machine"]),
        (["--host", "192.0.2.1", "--port", "0"], ["cannot listen at 192.0.2.1, port 0"]),
        (["--max-batch", "0"], ["--max-batch is 0; expected at least 1"]),
        (["--timeout", "soon"], ["--timeout is soon; expected a valid number"]),
        (["--allow-origin", "example.com"], ["--allow-origin is example.com; expected", "such as https://example.com"]),
        (["--allow-origin", "https://a.b/"], ["--allow-origin is https://a.b/; expected", "without a path"]),
        (["--allow-origin", "https://a.b,HTTP://c"], ["--allow-origin is HTTP://c; expected"]),
        (["--port", "70000"], ["--port is 70000; expected at least 0 and at most 65535"]),
    ],
)
def test_options_that_cannot_be(cellwright, run, options, parts):
    ended = cellwright("serve", run, *options)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    for part in parts:
        assert part in ended.err


def test_a_run_that_is_not_there(cellwright, tmp_path):
    ended = cellwright("serve", tmp_path / "none", "--port", "0")
    assert ended.status == 2
    assert "no such run folder" in ended.err


def test_bound_to_other_addresses_it_warns(cellwright, tmp_path):
    ended = cellwright("serve", tmp_path / "none", "--host", "0.0.0.0", "--port", "0")
    assert "warning: everyone who reaches 0.0.0.0 may ask this server" in ended.err


def test_help_lists_the_limits(cellwright):
    told = cellwright("serve", "--help").out
    for name, field in (Address.model_fields | Computing.model_fields | Limits.model_fields).items():
        assert f"--{name.replace('_', '-')}" in told
        assert field.default is None or f"default {field.default}" in " ".join(told.split())


def test_an_answer_leaves_at_once_and_does_not_wait_for_an_acknowledgement():
    """With Nagle's algorithm the body of an answer waits until the client acknowledges its head: 40 ms on Linux."""
    accepted = []

    async def serve_one():
        def serve(reader, writer):
            accepted.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with _listening("127.0.0.1", 0) as opened:
            async with await asyncio.start_server(serve, sock=opened):
                reader, writer = await asyncio.open_connection(*opened.getsockname())
                assert await reader.read() == b""
                writer.close()

    asyncio.run(serve_one())
    assert accepted == [1]


@pytest.mark.parametrize(("before", "asked", "taken"), [(3, None, 2), (1, None, 1), (2, 5, 5)])
def test_one_processor_is_left_to_those_who_ask(before, asked, taken):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(before)
        _take_threads(asked)
        assert torch.get_num_threads() == taken
    finally:
        torch.set_num_threads(threads)


def test_no_answer_waits_for_a_search_of_the_model_for_dead_objects(monkeypatch):
    left_out = []
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: left_out.append(gc.get_freeze_count()))
    gc.unfreeze()  # the suite has left out all of this itself (tests/conftest.py); here the server does
    with _listening("127.0.0.1", 0) as opened:
        _run(None, opened)
    assert left_out[0] > 50_000  # the modules of PyTorch alone
