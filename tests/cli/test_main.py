import contextlib
import os
import re
import signal
import subprocess
import sys

import pytest

import cellwright as package
from cellwright.cli import main

COMMAND = [sys.executable, "-c", "import sys; from cellwright.cli import main; sys.exit(main())"]


def test_help_loads_nothing_slow():
    program = "import sys; from cellwright.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.split())
    assert not loaded & {"torch", "numpy", "lightning", "pydantic", "sklearn", "matplotlib", "pyarrow", "llvmlite"}
    for command in ("fit", "evaluate", "predict", "datasets", "cells"):
        assert f"\n  {command} " in ended.stdout


def test_no_argument_shows_the_help(cellwright):
    assert cellwright().out == cellwright("--help").out != ""


def test_as_a_module_of_python():
    done = subprocess.run(
        [sys.executable, "-m", "cellwright", "cells", "show", "nonsense"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "nonsense" in done.stderr


def test_version(cellwright):
    ended = cellwright("--version")
    assert (ended.status, ended.out) == (0, f"{package.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fti"], "No such command 'fti'. Did you mean 'fit'?"),
        (["predict", "run", "--encodin"], "No such option: --encodin (Possible options: --encoding)"),
        (["fit", "data.csv"], "Missing option '--out'."),
        (["evaluate", "run"], "Missing argument 'DATA…'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_command_line_that_is_not_understood(cellwright, arguments, sentence):
    ended = cellwright(*arguments)
    assert (ended.status, ended.out, ended.err) == (2, "", f"cellwright: {sentence}\n")


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (10**12, r"not enough memory for \d+ bytes at once; expected a model"),
        (10**18, "not enough memory; expected a model"),
        (10**24, f"--hidden-size is {10**24}; expected {2**63 - 1} at most"),
    ],
)
def test_more_than_any_machine_holds_ends_in_a_sentence(cellwright, reviews, tmp_path, units, said):
    ended = cellwright("fit", reviews, "--out", tmp_path / "run", "--hidden-size", units)
    assert ended.status == 2
    assert re.search(f"^cellwright: {said}", ended.err, re.MULTILINE)


@pytest.mark.slow
def test_closed_pipe_ends_quietly(run):
    texts = b"good\n" * 50_000
    with subprocess.Popen([*COMMAND, "predict", run], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:  # fmt: skip
        process.stdin.write(texts[:5000])
        process.stdin.flush()
        assert process.stdout.readline().endswith(b"\tgood\n")
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            for _ in range(1000):  # much more than a pipe holds: the command must have ended
                process.stdin.write(texts)
        assert process.wait(timeout=60) == 1
        assert process.stderr.read() == b""


@pytest.mark.slow
def test_closed_pipe_that_shows_only_at_the_last_flush(run):
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run([*COMMAND, "predict", run, "good"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")
@pytest.mark.parametrize("command", [["cells"], ["cells", "show", "lstm"]])
def test_a_full_disk_under_standard_output_ends_in_a_sentence(command):
    with open("/dev/full", "w") as full:
        ended = subprocess.run([*COMMAND, *command], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2
    assert re.fullmatch(r"cellwright: standard output, .*, has no room \(No space left on device\); .*\n", ended.stderr)


def test_closed_standard_output_is_no_mistake(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["cells", "show", "lstm"]) == 0
    assert main(["cells", "show", "nonsense"]) == 2


def test_closed_standard_input_is_told_as_such(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["predict", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("cellwright: standard input is closed, and no argument is a text or a file; expected")


@pytest.mark.slow
def test_terminal_that_cannot_show_chinese_gets_numbers(run):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run([*COMMAND, "predict", run, "好"], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0
    assert ended.stdout.endswith("\t\\u597d\n")


@pytest.mark.slow
def test_interrupted_prediction_ends_without_a_traceback(run):
    with subprocess.Popen([*COMMAND, "predict", run], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:  # fmt: skip
        process.stdin.write(b"good\n" * 1000)
        process.stdin.flush()
        for _ in range(1000):
            process.stdout.readline()
        # All is answered: it waits for more.
        process.send_signal(signal.SIGINT)
        assert (process.wait(timeout=60), process.stderr.read()) == (130, b"")
