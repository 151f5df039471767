import json
import runpy
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "classify.py"


def test_from_a_file_to_predictions(tmp_path, capsys):
    data, out = tmp_path / "reviews.csv", tmp_path / "run"
    texts = [f"{'很好' if n % 2 else '坏了'} {n} {'好' * (n % 2)}" for n in range(120)]
    data.write_text("text,label\n" + "".join(f"{text},{['bad', 'good'][n % 2]}\n" for n, text in enumerate(texts)))
    small = {"hidden_size": 8, "embedding_dim": 8, "threads": 1, "learning_rate": 0.05, "batch_tokens": 256}
    small |= {"max_epochs": 6, "lr_schedule": "constant"}

    runpy.run_path(str(EXAMPLE))["main"](str(data), str(out), small)

    lines = capsys.readouterr().out.splitlines()
    assert "test accuracy: 1.000" in lines
    assert any(line.startswith("linear baseline: 1.000, majority class: 0.") for line in lines)
    assert lines[-2].startswith("质量很好,物流也快: good (")
    assert lines[-1].startswith("用了两天就坏了: bad (")
    assert json.loads((out / "config.json").read_text())["labels"] == ["bad", "good"]
