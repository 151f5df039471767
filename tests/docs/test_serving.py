"""The console blocks of docs/serving.md: each command is asked of a server, and its answer is the one on the page."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient

from cellwright.cli import main, serve
from cellwright.data.tokenizer import Tokenizer
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.serve.app import PROBLEMS
from cellwright.serve.limits import Limits
from cellwright.serve.load import app_of
from cellwright.tasks.classify.run import ClassifyRunConfig
from cellwright.tasks.run import save_description, save_weights

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(BLOCKS), re.MULTILINE)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The run of the page, in a folder of the same name: what says clean is good, what says never is bad."""
    folder = tmp_path_factory.mktemp("page") / "runs" / "reviews"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    tokenizer = Tokenizer.train(["The room was clean . Clean Never again"], "words", min_frequency=1)
    config = ClassifierConfig(
        vocab_size=tokenizer.size, classes=2, embedding_dim=4, hidden_size=4, bigram_buckets=0, pooling="mean"
    )
    model = Classifier(config)
    with torch.no_grad():
        ids = tokenizer.encode(["clean Clean", "Never"])
        model.embedding.token.weight.zero_()
        model.embedding.token.weight[ids[0]] = 2
        model.embedding.token.weight[ids[1]] = -2
        for weight in (model.recurrent.weight_ih_l0, model.recurrent.weight_ih_l0_reverse):
            weight.zero_()
            weight[8:12] = 1  # the candidate's, of i f g o: the gates stand half open
        model.dense.weight[:] = torch.tensor([[1.0], [-1.0]])
        model.dense.bias[:] = 0
    description = ClassifyRunConfig(
        cellwright="0", labels=["good", "bad"], model=config, fingerprint="", options={"data": "x"}
    )
    save_description(folder, description, {"tokenizer.json": tokenizer.to_json().encode()})
    save_weights(folder, model, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parents[1])  # its name is told by /health
        with TestClient(app_of("runs/reviews", Limits())) as made:
            yield made


def asked(client, command):
    """The answer to a command of curl: an address, -H and -d."""
    words = shlex.split(command)
    assert words[0] == "curl"
    path = words[1].removeprefix("http://127.0.0.1:8000")
    given = dict(zip(words[2::2], words[3::2], strict=True))
    if "-d" not in given:
        return client.get(path).text
    header = given.get("-H", "content-type: application/x-www-form-urlencoded")  # what curl sends unless it is told
    return client.post(path, content=given["-d"].encode(), headers=[header.split(": ")]).text


@pytest.mark.parametrize(("command", "answer"), [each for each in EXAMPLES if each[0].startswith("curl")])
def test_the_answers_are_those_of_the_page(client, command, answer):
    got = asked(client, command).removesuffix("\n") + "\n"
    assert doctest.OutputChecker().check_output(answer, got, doctest.ELLIPSIS), got


def test_the_command_says_where_it_listens(client, monkeypatch, capsys):
    ((command, answer),) = (each for each in EXAMPLES if each[0].startswith("cellwright"))
    monkeypatch.setattr(serve, "_run", lambda app, opened: None)
    assert main([*shlex.split(command)[1:], "--port", "0"]) == 0
    assert re.sub(r":\d+/", ":8000/", capsys.readouterr().out).strip() == answer.strip()


def test_the_options_and_statuses_are_all_there_are():
    assert set(re.findall(r"`(--max-[a-z]+|--timeout)`", PAGE)) == {
        f"--{name.replace('_', '-')}" for name in Limits.model_fields
    }
    assert [int(status) for status in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)] == sorted(PROBLEMS)
