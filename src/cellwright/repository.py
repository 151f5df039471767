"""A folder, or a repository of the Hugging Face Hub as one; only then is huggingface_hub imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellwright.errors import InputError
from cellwright.files import PART

LEFT_OUT = ("checkpoints/*", "logs/*", f"*{PART}", f"*{PART}/*", "*.part", "*.pt", "*.pth", "*.bin", "*.pkl", "*.ckpt")
"""What is neither sent nor fetched: what `--resume` goes on from, what trackers wrote, what is read by unpickling."""


def fetched(
    name: str | Path,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Path:
    """The folder of that name, or else where the repository of that name now lies on this machine.

    Args:
        name: A folder, or a repository's id, such as me/reviews.
        revision: A branch, tag or commit of the repository; None is its main branch.
        token: The Hub's token; None is the one that `hf auth login` left.
        cache_dir: Where repositories are kept; None is huggingface_hub's own place.
        local_files_only: Whether to take what is kept and ask no network.

    Raises:
        InputError: There is neither, it cannot be reached, or huggingface_hub is not installed.

    """
    if Path(name).is_dir():
        return Path(name)
    hub = _hub(f"{name}: is no folder, and a repository")
    try:
        found = hub.snapshot_download(
            str(name),
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            ignore_patterns=list(LEFT_OUT),
        )
    except (hub.errors.HFValidationError, hub.errors.HfHubHTTPError, OSError) as error:
        raise InputError(
            f"{name}: is no folder, and no repository that can be fetched ({_first_line(error)})"
        ) from None
    return Path(found)


def push(
    folder: Path, repo_id: str, *, private: bool | None = None, token: str | None = None, message: str = "Add the model"
) -> str:
    """Send a folder's files to a repository, which is made where there is none; returns the commit's address.

    Args:
        folder: What to send, all but `LEFT_OUT`.
        repo_id: Such as me/reviews.
        private: Of a repository that is made; None is as the owner's settings say.
        token: The Hub's token; None is the one that `hf auth login` left.
        message: Of the commit.

    Raises:
        InputError: The Hub refuses it or cannot be reached, or huggingface_hub is not installed.

    """
    hub = _hub(f"{repo_id}: a repository")
    try:
        api = hub.HfApi(token=token)
        made = api.create_repo(repo_id, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=made.repo_id, folder_path=str(folder), commit_message=message, ignore_patterns=list(LEFT_OUT)
        )
    except (hub.errors.HFValidationError, hub.errors.HfHubHTTPError, OSError) as error:
        raise InputError(f"{repo_id}: cannot be sent ({_first_line(error)})") from None
    return str(commit)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _hub(what: str) -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise InputError(f"{what} needs huggingface_hub; pip install 'cellwright[hub]'") from None
    return huggingface_hub
