"""What the server counts, in the format of Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The counters of one server; `work` is predict or inspect."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "cellwright_requests", "Requests answered.", ["path", "status"], registry=self._registry
        )
        self.latency = self._histogram("request_seconds", "From a request to its answer.", "path", SECONDS)
        self.batch_texts = self._histogram("batch_texts", "Texts that the model was given at once.", "work", TEXTS)
        self.batch_seconds = self._histogram("batch_seconds", "What the model took for them.", "work", SECONDS)
        self.waiting = Gauge("cellwright_waiting_requests", "Requests that wait.", registry=self._registry)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)

    def _histogram(self, name: str, text: str, label: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"cellwright_{name}", text, [label], buckets=buckets, registry=self._registry)
