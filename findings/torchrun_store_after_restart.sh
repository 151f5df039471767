#!/bin/sh
# torch 2.13.0: after torchrun has started the workers anew, the store still holds what the workers before wrote.
#
# A restart is a new group of processes, and the code that makes the store says that there is a new one for every retry, so that
# keys need no prefix. It is kept: the store of the first start serves all, under the same names. A process that reads the
# address of another before that one has written it anew finds the one of a process that is gone. (Reported as pytorch/pytorch
# issues 135712, closed, and 167288.) With TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 the workers make a store of their own each time;
# else let them agree on a prefix that was never there. TORCHELASTIC_RESTART_COUNT is none: agents of several machines count apart.
# Seen, and expected here, non-zero exit otherwise; the worker writes a mark, and ends with 1 at its first start:
#   as it is                                  start 0: no mark    start 1: the mark of start 0
#   TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1      start 0: no mark    start 1: no mark
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat > "$folder/worker.py" <<'PYTHON'
import os
import sys

from torch.distributed.rendezvous import rendezvous

store, _, _ = next(rendezvous("env://"))
start = os.environ["TORCHELASTIC_RESTART_COUNT"]
found = f"the mark of start {store.get('mark').decode()}" if store.check(["mark"]) else "no mark"
store.set("mark", start)
with open(os.environ["TOLD"], "a", encoding="utf-8") as told:
    print(f"start {start}: {found}", file=told)
sys.exit(start == "0")
PYTHON
run() {
    "$folder/venv/bin/python" -m torch.distributed.run --nproc-per-node 1 --max-restarts 1 --rdzv-backend c10d \
        --rdzv-endpoint localhost:0 "$folder/worker.py" 2> "$folder/log" || { cat "$folder/log"; exit 1; }
}
TOLD="$folder/shared" run
TOLD="$folder/apart" TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 run
echo "as it is:"
cat "$folder/shared"
echo "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1:"
cat "$folder/apart"
test "$(cat "$folder/shared")" = "$(printf 'start 0: no mark\nstart 1: the mark of start 0')" || { echo "the mark stayed in torch 2.13.0"; exit 1; }
test "$(cat "$folder/apart")" = "$(printf 'start 0: no mark\nstart 1: no mark')" || { echo "no mark stayed so in torch 2.13.0"; exit 1; }
