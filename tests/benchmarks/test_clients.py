"""The script over other people's packages: what is absent is said, what is there trains to the same losses."""

import re
from pathlib import Path

import pytest

import clients
from cellwright import accelerate
from trainings import TRAININGS, trained


def test_a_package_that_is_not_installed_is_named_and_skipped(capsys):
    assert clients.main(["no-such-package"]) == 0
    assert "| no-such-package | not installed |" in capsys.readouterr().out


@pytest.mark.parametrize("package", ["pytorch-crf"])
def test_losses_under_the_switch_are_those_without(package):
    pytest.importorskip("torchcrf")
    wanted = trained(package)
    with accelerate() as kernels:
        found = trained(package)
    assert kernels.taken == {"lstm": len(wanted)}
    assert found == pytest.approx(wanted, rel=clients.AGREE)
    assert found[-1] < found[0]


def test_the_page_has_a_row_of_each_package():
    page = (Path(__file__).parents[2] / "docs" / "in-place-of-torch-nn.md").read_text()
    assert re.findall(r"^\| (\S+) \d\S* \|", page, re.MULTILINE) == list(TRAININGS)
