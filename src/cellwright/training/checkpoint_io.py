"""Lightning's checkpoint as one safetensors file: the tensors in it, all else as JSON in its header.

Lightning's own are made by torch.save, that is by pickle, and to load one is to run what it says. Safetensors
holds numbers and text only, any tool can look into it, and floats survive exactly (JSON prints the shortest
digits that read back as the same double).
"""

import json
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from cellwright.errors import InputError
from cellwright.files import replace_file

STATE = "state"
RENAMED = {"journal": "history"}
"""Names that parts had in checkpoints of before -> new."""


class SafetensorsIO(CheckpointIO):
    """Writes and reads what `Trainer.save_checkpoint` collects, without pickle."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Replace the file at `path`. Raises InputError for a full disk, the file before still there."""
        tensors: dict[str, torch.Tensor] = {}
        state = pack(checkpoint, tensors, "")
        replace_file(Path(path), save(tensors, metadata={STATE: json.dumps(state)}))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read a checkpoint to the CPU. Raises InputError where it is cut short or damaged."""
        try:
            with safe_open(path, framework="pt") as file:
                state = json.loads(file.metadata()[STATE])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: not a whole checkpoint ({error}); it is cut short or damaged: train anew with --overwrite"
            ) from None
        loaded: dict[str, Any] = unpack(state, tensors)
        return {RENAMED.get(name, name): value for name, value in loaded.items()}

    def remove_checkpoint(self, path: Any) -> None:
        """Delete the file at `path`, if it is there."""
        Path(path).unlink(missing_ok=True)


def pack(value: Any, tensors: dict[str, torch.Tensor], name: str) -> Any:
    """`value` as JSON; its tensors go into `tensors` under dotted names. What JSON lacks is marked by a `$` key.

    Raises TypeError for an object that is neither plain data nor a tensor.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().cpu().clone()  # a copy: tied or viewed memory cannot be stored
        return {"$tensor": name}
    if isinstance(value, list | tuple):
        items = [pack(item, tensors, f"{name}.{index}") for index, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: pack(item, tensors, f"{name}.{key}") for key, item in value.items()}
        return {"$pairs": [[key, pack(item, tensors, f"{name}.{key}")] for key, item in value.items()]}
    raise TypeError(f"checkpoint{name} is a {type(value).__name__}; expected numbers, text, lists or tensors")


def unpack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The inverse of `pack`."""
    if isinstance(value, list):
        return [unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$tensor": name}:
            return tensors[name]
        case {"$tuple": items}:
            return tuple(unpack(item, tensors) for item in items)
        case {"$pairs": pairs}:
            return {key: unpack(item, tensors) for key, item in pairs}
    return {key: unpack(item, tensors) for key, item in value.items()}
