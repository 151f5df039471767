import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "spiking.py"


@pytest.mark.slow
def test_spikes_tell_digits(capsys):
    accuracy = runpy.run_path(str(EXAMPLE))["main"](3)
    assert accuracy > 0.6  # by chance 0.1; the example itself trains for longer
    fired, scores = capsys.readouterr().out.splitlines()
    assert 1 <= int(fired.split("%")[0].split()[-1]) <= 50
    assert scores == f"test accuracy: {accuracy:.3f}; logistic regression on the pixels themselves: 0.969"
