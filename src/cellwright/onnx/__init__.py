"""To ONNX: layers of any cell and whole runs, as one file that runs on padded batches and their lengths.

to_onnx(cellwright.LSTM(8, 16, bidirectional=True), "layer.onnx")
written = exporters.export(load_run("runs/reviews"), Path("reviews.onnx"))

A model is traced by torch.export, to which a layer is one node (`backends.custom_op`); torch.onnx writes the rest.

standard   the nodes LSTM, GRU and RNN, for the cells that they compute
masked     the same for runtimes that read no lengths;  pairs  numbers of pairs for those without int64
scan       any other cell: a Scan whose body is the traced step;  operations  its operations, one row each
directions a layer as one of the last two for each direction, forward in time
layer      which of them a layer becomes;  arguments  what it was given;  writer  nodes in a row
graph      what is exported: a module, its inputs by name, their free dimensions
tracing    a graph as an ONNX model;  runtimes  what runs it;  comparison  their numbers beside the module's
file       all of these, then it is written
exporters  which runs can be exported, and as what: the one place that knows
classifier, tagger, language_model, series    what is exported of each
logarithms those of a softmax, from what is left of the largest
"""

from cellwright.onnx.file import Written as Written
from cellwright.onnx.file import to_onnx as to_onnx

__all__ = ["Written", "to_onnx"]
