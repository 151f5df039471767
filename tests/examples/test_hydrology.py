import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "hydrology.py"


@pytest.mark.slow
def test_parameters_of_catchments_are_found_again(capsys):
    assert runpy.run_path(str(EXAMPLE))["main"](3) > 0.97
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 catchments, 1,095 days, calibrated in ")
    assert lines[-2] == "discharge is met in 100.0% of the catchments"
