"""Layers of Keras in a file, read as data: a zip with JSON and HDF5 (`.keras`), or HDF5 with JSON in it (`.h5`).

m.keras   config.json {"config": {"layers": […]}}, model.weights.h5 layers/lstm_1/cell/vars/0 …
m.h5      attribute model_config (the same JSON), model_weights/NAME with attribute weight_names
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright.errors import InputError

# Keras numbers the layers of a class in the order of the model, by its name in small letters.
_FOLDERS = {
    "LSTM": "lstm",
    "GRU": "gru",
    "SimpleRNN": "simple_rnn",
    "Bidirectional": "bidirectional",
    "Sequential": "sequential",
    "Functional": "functional",
}
_MODELS = ("Sequential", "Functional", "Model")
Layer = tuple[str, str, Mapping[str, Any], list[Any]]
"""Name, class, configuration, weights."""


def layers(path: Path, kinds: Sequence[str]) -> Iterator[Layer]:
    """The layers of these classes in a file, those of models in the model among them, in their order.

    Raises InputError where the file cannot be read, or holds weights without the model's configuration.
    """
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: Keras' files need h5py; pip install 'cellwright[weights]'") from None
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                config = json.loads(archive.read("config.json"))
                with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as stored:
                    yield from _of_archive(config, stored, "", kinds)
        else:
            with h5py.File(path, "r") as stored:
                if "model_config" not in stored.attrs:
                    raise InputError(
                        f"{path}: holds weights without the model's configuration; expected a file of model.save: load "
                        "it in Keras, and pass the layer"
                    )
                config = json.loads(stored.attrs["model_config"])
                yield from _of_hdf5(config, stored["model_weights"], kinds)
    except (OSError, KeyError, ValueError, RecursionError) as error:  # the last of JSON in JSON in JSON
        reason = str(error).strip("'\"")
        raise InputError(
            f"{path}: cannot be read ({reason}); expected a .keras or .h5 file of Keras' model.save"
        ) from None


def _configs(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The layers of a model's configuration; Keras 1 wrote a list."""
    inside = config["config"]
    return list(inside if isinstance(inside, list) else inside.get("layers", []))


def _of_archive(config: Mapping[str, Any], stored: Any, folder: str, kinds: Sequence[str]) -> Iterator[Layer]:
    count: dict[str, int] = {}
    for each in _configs(config):
        kind = each["class_name"]
        name = _FOLDERS.get(kind)
        if name is None:
            continue
        number = count.get(name, 0)
        count[name] = number + 1
        place = f"{folder}layers/{name}" + (f"_{number}" if number else "")
        if kind in _MODELS:
            yield from _of_archive(each, stored, f"{place}/", kinds)
        elif kind in kinds:
            parts = ("forward_layer/", "backward_layer/") if kind == "Bidirectional" else ("",)
            held = [stored[f"{place}/{part}cell/vars"] for part in parts]
            yield each["config"]["name"], kind, each["config"], [h[str(k)][()] for h in held for k in range(len(h))]


def _of_hdf5(config: Mapping[str, Any], stored: Any, kinds: Sequence[str]) -> Iterator[Layer]:
    for each in _configs(config):
        if each["class_name"] not in kinds:
            continue  # a model in the model has its weights in one flat list there: which are whose is not said
        group = stored[each["config"]["name"]]
        names = [name.decode() if isinstance(name, bytes) else name for name in group.attrs["weight_names"]]
        yield each["config"]["name"], each["class_name"], each["config"], [group[name][()] for name in names]
