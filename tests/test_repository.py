"""What the Hub refuses is one sentence of ours, whatever it raises."""

import huggingface_hub
import pytest

from cellwright import InputError
from cellwright.repository import fetched, push


def test_a_folder_is_itself(tmp_path):
    assert fetched(tmp_path) == tmp_path


@pytest.mark.parametrize("name", ["no repository/at/all", "me/none"])
def test_what_cannot_be_fetched_is_one_sentence(name, tmp_path):
    with pytest.raises(InputError, match=f"{name}: is no folder, and no repository that can be fetched") as caught:
        fetched(name, cache_dir=tmp_path, local_files_only=True)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_sent_is_one_sentence(monkeypatch, tmp_path):
    class Api:
        def __init__(self, token):
            pass

        def create_repo(self, repo_id, private, exist_ok):
            raise ConnectionError("no network\nat all")

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    with pytest.raises(InputError, match=r"me/model: cannot be sent \(no network\)"):
        push(tmp_path, "me/model")
