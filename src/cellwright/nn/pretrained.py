"""Layers in a folder, by the names that the Hub's users know: save_pretrained, from_pretrained, push_to_hub.

    FOLDER/
      config.json         the constructor's arguments, and "layer", which class
      model.safetensors   the parameters, under torch.nn's names
      README.md           the card, of those that are written here

huggingface_hub's PyTorchModelHubMixin reads such a folder too, and its folders are read here.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from cellwright.cells import CELLS
from cellwright.errors import InputError
from cellwright.files import read_json, replace_file, write_json
from cellwright.repository import fetched, push

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
PLACED = ("self", "device", "dtype")  # where a layer lies is for who loads it; of which type, the weights say


class Pretrained(nn.Module):
    """A layer with the three methods; `cellwright.hub` has them as functions for every layer and for runs."""

    def save_pretrained(
        self, save_directory: str | Path, *, push_to_hub: bool = False, repo_id: str = ""
    ) -> str | None:
        """Write the layer into a folder, which is made; with push_to_hub send it too.

        Args:
            save_directory: The folder.
            push_to_hub: Whether to send it to the Hub.
            repo_id: Where to; the folder's name if it is empty.

        Returns:
            The commit's address where it was sent.

        Raises:
            InputError: The cell is none of this library's, the folder cannot be written, or the Hub refuses it.

        """
        folder = Path(save_directory)
        write(self, folder)
        return push(folder, repo_id or folder.name) if push_to_hub else None

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
    ) -> Self:
        """Read a layer of a folder or a repository, in evaluation mode; nothing is unpickled.

        Args:
            pretrained_model_name_or_path: A folder, or a repository's id, such as me/encoder.
            revision: A branch, tag or commit; None is the main branch.
            token: The Hub's token; None is the one that `hf auth login` left.
            cache_dir: Where repositories are kept; None is huggingface_hub's own place.
            local_files_only: Whether to ask no network.

        Raises:
            InputError: There is no such folder or repository, it holds another layer, or a file in it is missing or
                damaged.

        """
        folder = fetched(
            pretrained_model_name_or_path,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        layer: Self = read(folder, cls)
        return layer

    def push_to_hub(self, repo_id: str, *, private: bool | None = None, token: str | None = None) -> str:
        """Send the layer to a repository of the Hub, and return the commit's address.

        Args:
            repo_id: Such as me/encoder; it is made where there is none.
            private: Of a repository that is made; None is as the owner's settings say.
            token: The Hub's token; None is the one that `hf auth login` left.

        Raises:
            InputError: The cell is none of this library's, or the Hub refuses it or cannot be reached.

        """
        with tempfile.TemporaryDirectory() as folder:
            write(self, Path(folder))
            return push(Path(folder), repo_id, private=private, token=token)


def write(layer: Any, folder: Path) -> None:
    """Write a layer into a folder, which is made. Raises InputError."""
    if CELLS.get(layer.cell.name) is not layer.cell:
        raise InputError(
            f"{folder}: the cell {layer.cell.name} is none of this library's, and a folder holds no code; expected "
            f"one of {', '.join(CELLS)}: save layer.state_dict() and keep the cell beside it"
        )
    safetensors = _safetensors()
    make_folder(folder, "a layer", lambda config: "layer" in config, (WEIGHTS, CARD))
    write_json(folder / CONFIG, {"layer": _known(type(layer)).__name__, **arguments(layer)})
    weights = {name: value.detach().cpu().clone() for name, value in layer.state_dict().items()}
    replace_file(folder / WEIGHTS, safetensors.torch.save(weights, metadata={"format": "pt"}))
    replace_file(folder / CARD, card(layer).encode())


def make_folder(folder: Path, kind: str, replaced: Callable[[dict[str, Any]], bool], names: Iterable[str]) -> None:
    """Make a folder to write into, or take one that holds none of what is to be written, or what may be replaced.

    kind: what may be, for the error; replaced: whether its config.json is of that; names: what is to be written.

    Raises InputError where there is something else, or no folder can be made.
    """
    path = folder / CONFIG
    if path.exists() and not replaced(read_json(path)):
        raise InputError(
            f"{folder}: holds something else already, as its {CONFIG} says; expected a new folder, or one with {kind}: "
            "give another folder, or remove this one first"
        )
    if not path.exists() and (lost := next((name for name in names if (folder / name).exists()), None)):
        raise InputError(
            f"{folder}: holds a {lost} already, and no {CONFIG} that says of what; expected a new folder, or one with "
            f"{kind}: give another folder, or move that file"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); expected a path for a folder") from None


def read(folder: Path, kind: type[Any]) -> Any:
    """A layer of a folder, of the class `kind`, in evaluation mode. Raises InputError."""
    safetensors = _safetensors()
    config = read_json(folder / CONFIG)
    name = config.get("layer", _known(kind).__name__)  # those of PyTorchModelHubMixin do not say it
    if name != _known(kind).__name__:
        raise InputError(
            f"{folder}: holds {name!r}; expected {_known(kind).__name__}: cellwright.hub.load reads whichever it is"
        )
    known = _parameters(kind)
    given = {key: value for key, value in config.items() if key in known}
    try:
        weights = safetensors.torch.load((folder / WEIGHTS).read_bytes())
        _check_sizes(folder, kind, given, weights)
        layer = kind(**given)
        layer = layer.to(next((each.dtype for each in weights.values()), torch.float32))
        layer.load_state_dict(weights)
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(f"{folder / WEIGHTS}: cannot be read as safetensors ({error})") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{folder / CONFIG}: is no layer's ({error}); expected arguments of {kind.__name__}") from None
    except RuntimeError as error:  # torch's, for names and shapes
        reason = " ".join(str(error).split())
        raise InputError(f"{folder / WEIGHTS}: is of another layer than {CONFIG} describes ({reason})") from None
    return layer.eval()


def _check_sizes(folder: Path, kind: type[Any], given: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Compare names and shapes without memory for them: a config.json that lies may ask for any size.

    Raises RuntimeError as `load_state_dict` does, and what the constructor raises.
    """
    layers = given.get("num_layers", 1)
    if isinstance(layers, int) and layers > len(weights):  # each has a module's attributes, on whichever device
        raise RuntimeError(f"num_layers is {layers}, of {len(weights)} tensors")
    with torch.device("meta"):
        kind(**given).load_state_dict(weights, assign=True)


def arguments(layer: Any) -> dict[str, Any]:
    """The constructor's arguments by name, as JSON has them."""
    found = {}
    for name in _parameters(_known(type(layer))):
        if name == "layer_norm":
            found[name] = layer.cell.name.startswith("layer-norm")
        elif name == "cell":
            found[name] = layer.cell.name
        else:
            found[name] = getattr(layer, name)
    return found


def card(layer: Any) -> str:
    """The text of README.md: what the layer is, and how it is read."""
    name = _known(type(layer)).__name__
    said = layer.extra_repr()
    return (
        "---\nlibrary_name: cellwright\ntags:\n- recurrent\n- "
        f"{layer.cell.name}\n---\n\n# {name}({said})\n\nA recurrent layer of cellwright, cell {layer.cell.name}, of "
        f"{sum(each.numel() for each in layer.parameters()):,} parameters under torch.nn's names.\n\n"
        f'```python\nfrom cellwright import hub\n\nlayer = hub.load("FOLDER OR REPOSITORY")\n```\n'
    )


def _parameters(kind: type[Any]) -> list[str]:
    return [name for name in inspect.signature(kind.__init__).parameters if name not in PLACED]


def _known(kind: type[Any]) -> type[Any]:
    """The class of this library that it is or comes from."""
    return next(each for each in kind.__mro__ if each.__module__.startswith("cellwright."))


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError:
        raise InputError(
            "layers are kept as safetensors, which are not installed; pip install 'cellwright[hub]'"
        ) from None
    return safetensors
