"""The cells that come with the package: one file of equations each. To add one, write its file and name it here."""

from cellwright.cells.definition import Definition
from cellwright.cells.library.block_gru import block_gru
from cellwright.cells.library.cornn import cornn
from cellwright.cells.library.coupled import coupled
from cellwright.cells.library.ea_lstm import ea_lstm
from cellwright.cells.library.gr4j import gr4j
from cellwright.cells.library.gru import gru
from cellwright.cells.library.gru_2014 import gru_2014
from cellwright.cells.library.hbv import hbv
from cellwright.cells.library.indrnn import indrnn
from cellwright.cells.library.janet import janet
from cellwright.cells.library.layer_norm_gru import layer_norm_gru
from cellwright.cells.library.layer_norm_lstm import layer_norm_lstm
from cellwright.cells.library.lem import lem
from cellwright.cells.library.lif import lif, recurrent_lif
from cellwright.cells.library.ligru import ligru
from cellwright.cells.library.lstm import lstm
from cellwright.cells.library.lstm_1997 import lstm_1997
from cellwright.cells.library.mgu import mgu
from cellwright.cells.library.mingru import mingru
from cellwright.cells.library.minlstm import minlstm
from cellwright.cells.library.multiplicative_lstm import multiplicative_lstm
from cellwright.cells.library.peephole import peephole
from cellwright.cells.library.relu_lstm import relu_lstm
from cellwright.cells.library.reservoir import reservoir
from cellwright.cells.library.rg_lru import rg_lru
from cellwright.cells.library.rnn import rnn, rnn_relu
from cellwright.cells.library.slstm import slstm
from cellwright.cells.library.sru import sru
from cellwright.cells.library.star import star
from cellwright.cells.library.ugrnn import ugrnn

CELLS: dict[str, Definition] = {
    definition.name: definition
    for definition in (
        rnn,
        rnn_relu,
        lstm,
        gru,
        gru_2014,
        lstm_1997,
        peephole,
        coupled,
        relu_lstm,
        mgu,
        janet,
        ligru,
        layer_norm_lstm,
        layer_norm_gru,
        block_gru,
        slstm,
        multiplicative_lstm,
        ugrnn,
        star,
        cornn,
        lem,
        indrnn,
        mingru,
        minlstm,
        sru,
        rg_lru,
        lif,
        recurrent_lif,
        ea_lstm,
        reservoir,
        hbv,
        gr4j,
    )
}
