#!/bin/sh
# sb3-contrib 2.9.2: save of a recurrent policy leaves out the options of its LSTM, so that load makes another policy.
#
# One expects load to give back what save wrote, as it does for the layers of net_arch. The options that are saved are
# those of the policy without a recurrence: lstm_hidden_size, n_lstm_layers, shared_lstm, enable_critic_lstm and
# lstm_kwargs are not among them, the policy is made with their defaults, and the weights do not fit. Saving the whole
# model, RecurrentPPO.save, keeps them.
# Seen, and expected here, non-zero exit otherwise:
#   policy of the defaults               : loaded, with equal weights
#   policy of net_arch=[8]               : loaded, with equal weights
#   policy of lstm_hidden_size=12        : RuntimeError, size mismatch
#   policy of n_lstm_layers=2            : RuntimeError, Unexpected key(s)
#   policy of enable_critic_lstm=False   : RuntimeError, Missing key(s), Unexpected key(s)
#   RecurrentPPO with lstm_hidden_size=12: loaded, with equal weights
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 gymnasium==1.4.0 \
    stable-baselines3==2.9.2 sb3-contrib==2.9.2
cat > "$folder/policies.py" <<'PYTHON'
import sys

import torch
from sb3_contrib import RecurrentPPO

file = sys.argv[1] + "/saved.zip"
EQUAL = "loaded, with equal weights"
REASONS = ["size mismatch", "Missing key(s)", "Unexpected key(s)"]


def outcome(saved, load) -> str:
    """What comes of saving a model or a policy and loading it again."""
    saved.save(file)
    try:
        loaded = load(file, device="cpu")
    except RuntimeError as error:
        return "RuntimeError, " + ", ".join(reason for reason in REASONS if reason in str(error))
    theirs, ours = (getattr(each, "policy", each).state_dict() for each in (loaded, saved))
    equal = theirs.keys() == ours.keys() and all(torch.equal(theirs[name], ours[name]) for name in ours)
    return EQUAL if equal else "loaded, with other weights"


def model(**options) -> RecurrentPPO:
    return RecurrentPPO("MlpLstmPolicy", "CartPole-v1", policy_kwargs=options, seed=0, device="cpu")


EXPECTED = [
    ("the defaults", {}, EQUAL),
    ("net_arch=[8]", {"net_arch": [8]}, EQUAL),
    ("lstm_hidden_size=12", {"lstm_hidden_size": 12}, "RuntimeError, size mismatch"),
    ("n_lstm_layers=2", {"n_lstm_layers": 2}, "RuntimeError, Unexpected key(s)"),
    ("enable_critic_lstm=False", {"enable_critic_lstm": False}, "RuntimeError, Missing key(s), Unexpected key(s)"),
]
for title, options, expected in EXPECTED:
    policy = model(**options).policy
    found = outcome(policy, type(policy).load)
    print(f"policy of {title:<27}: {found}")
    assert found == expected, f"{expected} in 2.9.2"
found = outcome(model(lstm_hidden_size=12), RecurrentPPO.load)
print("RecurrentPPO with lstm_hidden_size=12:", found)
assert found == EQUAL, "a whole model was loaded in 2.9.2"
PYTHON
"$folder/venv/bin/python" "$folder/policies.py" "$folder"
