# Everything runs in .venv, which the first command makes.
PYTHON ?= python3
BIN := .venv/bin
# One OpenMP thread for each of pytest's processes: two pools of spinning threads on the same cores stop each other.
# One seed of drawn cases: a run repeats itself, and a new counterexample is looked for by pytest without the seed.
# Each process begins with a half of its own, in order: a room's fixtures, imports and kernels are made in one of them.
TEST := OMP_NUM_THREADS=1 MPLBACKEND=Agg $(BIN)/pytest -n auto --dist worksteal --hypothesis-seed=0

.PHONY: help demo test test-fast check wheel bench experiments docs pages graph figure clean
help:            ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/ —/'

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch .venv/ready

demo: .venv/ready ## train on Chinese reviews, test, predict three sentences
	$(BIN)/cellwright fit reviews-zh --out runs/reviews-zh --overwrite
	$(BIN)/cellwright predict runs/reviews-zh '房间很干净，服务也好，下次还住这里' '等了一个小时菜才上来，还是凉的' '书的内容一般，但是印刷很精美'

test: .venv/ready ## all tests
	$(TEST)

test-fast: .venv/ready ## the tests of every room that are not marked slow
	$(TEST) -m "not slow"

check: .venv/ready ## style, types, the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/counts.py
	$(BIN)/lint-imports --no-cache  # its cache goes by a file's time, which a moved file keeps

wheel:           ## build the wheel, install it in an empty environment, and use it there
	PYTHON=$(PYTHON) sh tools/wheel.sh

bench: .venv/ready ## the layers against torch.nn, ONNX Runtime and a Python loop
	$(BIN)/python benchmarks/layers.py

experiments: .venv/ready ## what is said of the LSTM, measured, into docs/claims.md
	$(BIN)/python experiments/run.py

.venv/docs: .venv/ready
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch .venv/docs

docs: .venv/docs ## the site, into build/site; a broken link or reference ends it
	$(BIN)/mkdocs build

pages: .venv/ready ## write the pages of docs/ that are made from the cells' definitions anew
	$(BIN)/python tools/pages.py

graph: .venv/ready ## draw which room of the package imports which, into docs/figures/rooms.svg
	$(BIN)/python tools/graph.py

figure: .venv/ready ## draw the README's figure; trains the demo's run where it is not there
	$(BIN)/python tools/figure.py

clean:           ## remove what was made
	rm -rf .venv runs build dist
