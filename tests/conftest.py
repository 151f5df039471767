"""What hypothesis does in every test, which backend the tests' small calls take, and files that a test writes."""

import gc
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from cellwright.backends import bounds

# No case has a time limit: the first builds kernels, and other programs share the processors.
settings.register_profile("cellwright", deadline=None)
settings.load_profile("cellwright")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What modules hold when tests begin is never searched for dead objects: that took a sixth of the tests' time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True, scope="session")
def kernels_of_any_size():
    """Every call of a test is small, and would be too small for the kernels that it tests."""
    with bounds.kernels_of_any_size():
        yield


@pytest.fixture(autouse=True, scope="session")
def one_curve_is_drawn():
    """To draw it takes as long as the training of a test: the first run's stands in all later ones' folders."""
    fit = sys.modules.get("cellwright.training.fit")
    if fit is None:  # no test that was collected trains, or only one that loads it itself
        yield
        return
    draw, drawn = fit.draw_curve, []

    def draw_once(rows: list[dict[str, float]], metric: str, best_epoch: int, path: Path) -> None:
        if drawn:
            path.write_bytes(drawn[0])
        else:
            draw(rows, metric, best_epoch, path)
            drawn.append(path.read_bytes())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "draw_curve", draw_once)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_folder_is_left_behind(tmp_path_factory: pytest.TempPathFactory):
    """Stable-Baselines3 makes one in /tmp for each model that learns, unless it is told another place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SB3_LOGDIR", str(tmp_path_factory.mktemp("logs")))
        yield


@pytest.fixture
def backends_by_size():
    """The choice that users get, small calls included."""
    token = bounds._lifted.set(False)
    yield
    bounds._lifted.reset(token)


@pytest.fixture(scope="module")
def one_thread():
    """Threads that wait for each other make small tests slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file byte for byte: no line end is translated."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
