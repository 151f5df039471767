"""A run behind HTTP: a page that draws its gates as you type, and the same answers as JSON.

    load      which of a task's abilities a run folder offers; the one module that knows tasks
    app       the routes and the page; schemas, limits, origins: what clients may send, how much, and from where
    inference    the Open Inference Protocol beside them
    worker    one thread that owns the model, and the queue before it
    docs, pages, metrics    the page of the interface, the files of the live page, counts for Prometheus

In Python a run is put to use without a server: `Predictor.load("runs/first").predict(["很好用"])`.
"""

from cellwright.tasks.predictor import Predictor

__all__ = ["Predictor"]
