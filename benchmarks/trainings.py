"""Small trainings by other people's packages, on data that are made here: what `clients.py` runs.

Each function trains from one seed, as the package is used, and returns its losses in order. The packages are imported
within, so that one that is absent or broken is only its own.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import logging
import sys
import tempfile
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Training = Callable[[], list[float]]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Numbers of a normal distribution, the same each time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def whole(high: int, *shape: int, seed: int = 0) -> Tensor:
    """Whole numbers below `high`, the same each time."""
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def waves(number: int, steps: int) -> np.ndarray:
    """Series (number, steps) of a season, a trend and noise."""
    time = np.arange(steps)
    noise = np.random.default_rng(0).normal(0, 0.1, (number, steps))
    return (np.sin(time / 4) + 0.01 * time + np.arange(number)[:, None] * 0.1 + noise).astype(np.float32)


def losses_of(model: nn.Module, loss: Callable[[], Tensor], steps: int) -> list[float]:
    """The losses of a plain loop of PyTorch."""
    optimizer, found = torch.optim.Adam(model.parameters(), 1e-3), []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        found.append(float(value.detach()))
    return found


def listener() -> Any:
    """A callback of Lightning that keeps the loss of each batch, in `losses`."""
    from lightning.pytorch import Callback

    class Listener(Callback):
        def __init__(self) -> None:
            self.losses: list[float] = []

        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *rest: Any) -> None:
            self.losses.append(float(outputs["loss"] if isinstance(outputs, dict) else outputs))

    return Listener()


def without_torchaudio() -> None:
    """Let a package import torchaudio, of which it uses nothing here, where there is none for this build of torch."""
    if importlib.util.find_spec("torchaudio") is None:
        empty = types.ModuleType("torchaudio")
        empty.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
        empty.__version__ = "0"  # type: ignore[attr-defined]
        sys.modules["torchaudio"] = empty


QUIET = {
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
    "logger": False,
    "accelerator": "cpu",
}


# --- scikit-learn's way --------------------------------------------------------------------------------
class LastState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(16, 64, 2, batch_first=True), nn.Linear(64, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.head(self.rnn(x)[0][:, -1]), -1)


def train_skorch() -> list[float]:
    """A classifier of sequences."""
    from skorch import NeuralNetClassifier

    x = drawn(256, 60, 16)
    net = NeuralNetClassifier(LastState, max_epochs=3, lr=0.1, batch_size=64, train_split=None, verbose=0)
    net.fit(x, (x.sum((1, 2)) > 0).long().numpy())
    return [float(each) for each in net.history[:, "train_loss"]]


# --- text ----------------------------------------------------------------------------------------------
def train_pytorch_crf() -> list[float]:
    """A tagger: LSTM in both directions on packed sentences, and a CRF."""
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
    from torchcrf import CRF

    tags, lengths = 9, whole(35, 32).add(5).sort(descending=True).values
    words, wanted = whole(1000, 32, 40), whole(tags, 32, 40)
    mask = torch.arange(40) < lengths[:, None]
    steps = int(lengths[0])
    model = nn.ModuleDict(
        {
            "embedding": nn.Embedding(1000, 100),
            "rnn": nn.LSTM(100, 128, batch_first=True, bidirectional=True),
            "head": nn.Linear(256, tags),
            "crf": CRF(tags, batch_first=True),
        }
    )

    def loss() -> Tensor:
        packed = pack_padded_sequence(model["embedding"](words), lengths, batch_first=True)
        rows, _ = pad_packed_sequence(model["rnn"](packed)[0], batch_first=True)
        crf: Any = model["crf"]
        value: Tensor = -crf(model["head"](rows), wanted[:, :steps], mask[:, :steps], reduction="mean")
        return value

    return losses_of(model, loss, 5)


def train_flair() -> list[float]:
    """A tagger over one-hot words: `SequenceTagger` with its LSTM and CRF."""
    import flair
    from flair.data import Corpus, Dictionary, Sentence
    from flair.datasets import FlairDatapointDataset
    from flair.embeddings import OneHotEmbeddings
    from flair.models import SequenceTagger

    flair.device = torch.device("cpu")
    names = np.random.default_rng(0).integers(0, 200, (64, 30))
    sentences = []
    for k, row in enumerate(names):
        sentence = Sentence([f"w{n}" for n in row[: 10 + k % 20]])
        for token in sentence:
            token.add_label("pos", f"t{int(token.text[1:]) % 7}")
        sentences.append(sentence)
    corpus: Any = Corpus(FlairDatapointDataset(sentences), sample_missing_splits=False)
    tags: Dictionary = corpus.make_label_dictionary("pos", add_unk=False)
    torch.manual_seed(0)
    tagger = SequenceTagger(OneHotEmbeddings.from_corpus(corpus, field="text", embedding_length=100), tags, "pos")

    def loss() -> Tensor:
        for sentence in sentences:
            sentence.clear_embeddings()
        return tagger.forward_loss(sentences)[0] / len(sentences)

    return losses_of(tagger.train(), loss, 4)


def train_stanza() -> list[float]:
    """The layers of its taggers and parsers: a highway LSTM over packed words."""
    from stanza.models.common.hlstm import HighwayLSTM
    from torch.nn.utils.rnn import pack_padded_sequence

    lengths = whole(25, 24).add(5).sort(descending=True).values
    x = pack_padded_sequence(drawn(24, 30, 100), lengths, batch_first=True)
    rnn = HighwayLSTM(100, 200, 2, batch_first=True, bidirectional=True, dropout=0.3)
    state = tuple(torch.zeros(4, 24, 200) for _ in range(2))
    return losses_of(rnn, lambda: rnn(x, lengths, state)[0].data.square().mean(), 4)


def train_fastai() -> list[float]:
    """A language model of AWD-LSTM, whose weights are dropped, by its `Learner`."""
    from fastai.callback.core import Callback
    from fastai.callback.rnn import ModelResetter, RNNCallback
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.losses import CrossEntropyLossFlat
    from fastai.text.models import AWD_LSTM, awd_lstm_lm_config, get_language_model

    losses: list[float] = []

    class Listener(Callback):
        def after_batch(self) -> None:
            losses.append(float(self.learn.loss.detach()))

    config = {**awd_lstm_lm_config, "emb_sz": 128, "n_hid": 256, "n_layers": 2}
    words = whole(500, 4, 32, 71)
    loaders = DataLoaders(*[[(one[:, :-1], one[:, 1:]) for one in words]] * 2)
    learner = Learner(
        loaders,
        get_language_model(AWD_LSTM, 500, config=config),
        loss_func=CrossEntropyLossFlat(),
        cbs=[ModelResetter, RNNCallback, Listener],
    )
    with learner.no_logging():
        learner.fit(1, 1e-3)
    return losses


# --- series --------------------------------------------------------------------------------------------
def train_darts() -> list[float]:
    """`RNNModel` with an LSTM."""
    from darts import TimeSeries
    from darts.models import RNNModel

    heard = listener()
    model = RNNModel(
        input_chunk_length=48,
        training_length=72,
        model="LSTM",
        hidden_dim=64,
        n_rnn_layers=2,
        dropout=0.1,
        batch_size=32,
        n_epochs=1,
        random_state=0,
        pl_trainer_kwargs={**QUIET, "callbacks": [heard]},
    )
    model.fit([TimeSeries.from_values(one) for one in waves(2, 200)], verbose=False)
    losses: list[float] = heard.losses
    return losses


def train_neuralforecast() -> list[float]:
    """Its LSTM: an encoder over the past."""
    import pandas
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    table = pandas.concat(
        pandas.DataFrame({"unique_id": k, "ds": np.arange(len(one)), "y": one}) for k, one in enumerate(waves(8, 300))
    )
    model = LSTM(h=12, input_size=96, encoder_hidden_size=128, max_steps=6, batch_size=8, random_seed=0, **QUIET)
    forecast = NeuralForecast([model], freq=1)
    forecast.fit(table)
    return [float(loss) for _, loss in forecast.models[0].train_trajectories]


def train_gluonts() -> list[float]:
    """DeepAR."""
    import lightning.pytorch
    from gluonts.dataset.common import ListDataset
    from gluonts.torch import DeepAREstimator

    data = ListDataset([{"start": "2020-01-01", "target": one} for one in waves(8, 300)], freq="D")
    lightning.pytorch.seed_everything(0, verbose=False)
    heard = listener()
    estimator = DeepAREstimator(
        freq="D",
        prediction_length=24,
        context_length=48,
        hidden_size=64,
        num_batches_per_epoch=6,
        trainer_kwargs={**QUIET, "enable_checkpointing": True, "max_epochs": 1, "callbacks": [heard]},
    )
    estimator.train(data)
    losses: list[float] = heard.losses
    return losses


def train_pytorch_forecasting() -> list[float]:
    """The temporal fusion transformer, whose encoder and decoder are LSTMs."""
    import lightning.pytorch
    import pandas
    from pytorch_forecasting import TemporalFusionTransformer, TimeSeriesDataSet

    table = pandas.concat(
        pandas.DataFrame({"group": str(k), "time": np.arange(len(one)), "value": one})
        for k, one in enumerate(waves(4, 200))
    ).reset_index(drop=True)
    data = TimeSeriesDataSet(
        table,
        "time",
        "value",
        ["group"],
        max_encoder_length=60,
        max_prediction_length=20,
        time_varying_unknown_reals=["value"],
        time_varying_known_reals=["time"],
    )
    lightning.pytorch.seed_everything(0, verbose=False)
    heard = listener()
    model = TemporalFusionTransformer.from_dataset(data, hidden_size=64, lstm_layers=2, dropout=0.1)
    trainer = lightning.pytorch.Trainer(**QUIET, max_epochs=1, limit_train_batches=4, callbacks=[heard])
    trainer.fit(model, data.to_dataloader(batch_size=32))
    losses: list[float] = heard.losses
    return losses


def train_neuralhydrology() -> list[float]:
    """Its LSTM over a year of days."""
    from neuralhydrology.modelzoo.cudalstm import CudaLSTM
    from neuralhydrology.utils.config import Config

    inputs = [f"x{k}" for k in range(8)]
    config = Config(
        {
            "model": "cudalstm",
            "head": "regression",
            "output_activation": "linear",
            "output_dropout": 0.4,
            "hidden_size": 128,
            "initial_forget_bias": 3,
            "dynamic_inputs": inputs,
            "target_variables": ["discharge"],
            "predict_last_n": 1,
            "seq_length": 365,
        }
    )
    model = CudaLSTM(config)
    data = {"x_d": {name: drawn(64, 365, 1, seed=k) for k, name in enumerate(inputs)}}
    wanted = drawn(64, 1, seed=99)
    return losses_of(model, lambda: (model(data)["y_hat"][:, -1] - wanted).square().mean(), 3)


# --- reinforcement learning ----------------------------------------------------------------------------
def train_sb3_contrib() -> list[float]:
    """Recurrent PPO on CartPole: its policy by single steps, its updates by whole rollouts."""
    from sb3_contrib import RecurrentPPO
    from stable_baselines3.common.callbacks import BaseCallback

    losses: list[float] = []

    class Listener(BaseCallback):
        def _on_step(self) -> bool:
            return True

        def _on_rollout_start(self) -> None:
            if "train/loss" in self.model.logger.name_to_value:
                losses.append(float(self.model.logger.name_to_value["train/loss"]))

    model = RecurrentPPO("MlpLstmPolicy", "CartPole-v1", n_steps=128, n_epochs=2, seed=0, device="cpu")
    model.learn(384, callback=Listener(), log_interval=10**6)
    return [*losses, float(model.logger.name_to_value["train/loss"])]


def train_torchrl() -> list[float]:
    """`LSTMModule` over rollouts with beginnings of episodes in them."""
    from tensordict import TensorDict
    from torchrl.modules import LSTMModule, set_recurrent_mode

    module = LSTMModule(16, 64, in_key="seen", out_key="features")
    rollouts = TensorDict(
        {
            "seen": drawn(16, 100, 16),
            "is_init": whole(50, 16, 100, 1) == 0,
            "recurrent_state_h": torch.zeros(16, 100, 1, 64),
            "recurrent_state_c": torch.zeros(16, 100, 1, 64),
        },
        [16, 100],
    )

    def loss() -> Tensor:
        with set_recurrent_mode(True):
            features: Tensor = module(rollouts.clone())["features"]
        return features.square().mean()

    return losses_of(module, loss, 5)


# --- graphs and sound ----------------------------------------------------------------------------------
def train_torch_geometric() -> list[float]:
    """GraphSAGE that reads a node's neighbours by an LSTM."""
    from torch_geometric.nn import SAGEConv

    edges = torch.stack([whole(300, 3000), whole(300, 3000, seed=1).sort().values])
    x, wanted = drawn(300, 32), whole(4, 300)
    model = nn.ModuleList([SAGEConv(32, 64, aggr="lstm"), SAGEConv(64, 4, aggr="lstm")])

    def loss() -> Tensor:
        first, second = model
        return nn.functional.cross_entropy(second(first(x, edges).relu(), edges), wanted)

    return losses_of(model, loss, 5)


def train_speechbrain() -> list[float]:
    """CRDNN: convolutions, an LSTM in both directions, dense layers."""
    without_torchaudio()
    from speechbrain.lobes.models.CRDNN import CRDNN
    from speechbrain.nnet.RNN import LSTM

    model = CRDNN(
        input_shape=[8, 100, 40],
        cnn_blocks=1,
        cnn_channels=[16],
        cnn_kernelsize=[3, 3],
        rnn_class=LSTM,
        rnn_layers=2,
        rnn_neurons=128,
        rnn_bidirectional=True,
        dnn_neurons=64,
        time_pooling=True,
    )
    x = drawn(8, 100, 40)
    return losses_of(model, lambda: model(x).square().mean(), 3)


def train_encodec() -> list[float]:
    """The encoder and decoder of EnCodec, an LSTM in each, on sound of a quarter of a second."""
    without_torchaudio()
    from encodec.modules.seanet import SEANetDecoder, SEANetEncoder

    options = {"n_filters": 8, "dimension": 128, "ratios": [4, 4, 2, 2], "lstm": 2}
    model, sound = nn.Sequential(SEANetEncoder(**options), SEANetDecoder(**options)), drawn(4, 1, 6400)
    return losses_of(model, lambda: (model(sound) - sound).abs().mean(), 3)


# By the name on PyPI.
TRAININGS: dict[str, Training] = {
    "darts": train_darts,
    "neuralforecast": train_neuralforecast,
    "pytorch-forecasting": train_pytorch_forecasting,
    "gluonts": train_gluonts,
    "neuralhydrology": train_neuralhydrology,
    "skorch": train_skorch,
    "pytorch-crf": train_pytorch_crf,
    "flair": train_flair,
    "stanza": train_stanza,
    "fastai": train_fastai,
    "speechbrain": train_speechbrain,
    "encodec": train_encodec,
    "sb3-contrib": train_sb3_contrib,
    "torchrl": train_torchrl,
    "torch_geometric": train_torch_geometric,
}


def trained(package: str) -> list[float]:
    """The losses of one training, from one seed and in quiet."""
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    np.random.seed(0)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        warnings.simplefilter("ignore")
        return TRAININGS[package]()
