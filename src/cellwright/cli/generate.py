"""`cellwright generate`: let a language model write."""

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cellwright.cli.run_options import OwnCell
from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.tasks.lm.run import LanguageRun

Run = Annotated[Path, typer.Argument(help="Folder that `cellwright fit --task lm` made.", show_default=False)]
Prompt = Annotated[str, typer.Option(help="Text to go on from; it begins a document.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, when the text is whole.")]


def generate(run: Path, prompt: str, cell: str | None, as_json: bool, **options: Any) -> None:
    """Print a prompt and what a language model makes follow it, as it comes."""
    from cellwright.cli.run_options import say
    from cellwright.models.generation import generate as pieces_of
    from cellwright.models.sampling import Sampling
    from cellwright.options import configured

    sampling = configured(Sampling, options)
    loaded = _loaded(run, cell)
    for sentence in loaded.tokenizer.unseen([prompt]).sentences():
        say(sentence)
    pieces = pieces_of(loaded.model, loaded.tokenizer, prompt, sampling)
    if as_json:
        print(json.dumps({"run": str(run), "prompt": prompt, "text": "".join(pieces)}, ensure_ascii=False))
        return
    print(prompt, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


class GenerateCommand(TyperCommand):
    """`generate` with the fields of Sampling as its options, read when the command is used, as `fit` does."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the command line with all the options."""
        from cellwright.cli.options import command_of, options_of
        from cellwright.models.sampling import Sampling

        own = [
            inspect.Parameter("run", inspect.Parameter.KEYWORD_ONLY, annotation=Run),
            inspect.Parameter("prompt", inspect.Parameter.KEYWORD_ONLY, default="", annotation=Prompt),
        ]
        last = [
            inspect.Parameter("cell", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=OwnCell),
            inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json),
        ]
        return command_of(generate, [*own, *options_of(Sampling), *last]).make_context(info_name, args, parent, **extra)


def _loaded(run: Path, cell: str | None) -> "LanguageRun":
    from cellwright.tasks.run import load_run, task_of

    if (task := task_of(run)) != "lm":
        raise InputError(f"{run}: is a run of {task}; expected one that `cellwright fit --task lm` made")
    loaded: LanguageRun = load_run(run, cell)  # type: ignore[assignment]
    return loaded
