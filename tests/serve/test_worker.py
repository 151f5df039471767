"""The queue and its thread: every answer goes where its text came from, whatever the batches."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cellwright.pauses import pause
from cellwright.serve.metrics import Metrics
from cellwright.serve.worker import SHORT, BusyError, Work, Worker
from servers import WAIT


@pytest.fixture
def worker():
    made = Worker(Metrics(), most_waiting=1000)
    yield made
    made.close()


def work_of(echo, most=16):
    return Work("predict", lambda texts: [each.text for each in echo.predict(texts)], most)


def held(worker, echo, work):
    """A first job that keeps the thread busy until `echo.go` is set."""
    echo.go.clear()
    first = worker.submit(work, ["first"])
    assert echo.reached.acquire(timeout=WAIT)
    return first


def test_nothing_is_lost_or_mixed_between_threads(worker, echo):
    work = work_of(echo)

    def client(number):
        draw = random.Random(number)
        for turn in range(60):
            texts = [f"{number}.{turn}.{k}" for k in range(draw.randint(1, 5))]
            assert worker.submit(work, texts).result(WAIT) == texts
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(client, range(8)))
    assert all(len(batch) <= 16 for batch in echo.batches)


def test_what_queues_while_a_batch_is_computed_is_the_next_batch(worker, echo):
    work = work_of(echo, most=4)
    first = held(worker, echo, work)
    later = [worker.submit(work, texts) for texts in (["a"], ["b", "c"], ["d", "e"], ["f"] * 9, ["g"])]
    echo.go.set()
    assert first.result(WAIT) == ["first"]
    assert [each.result(WAIT) for each in later] == [["a"], ["b", "c"], ["d", "e"], ["f"] * 9, ["g"]]
    assert echo.batches == [["first"], ["a", "b", "c"], ["d", "e"], ["f"] * 9, ["g"]]


def test_work_of_another_kind_is_not_mixed_in_and_keeps_its_turn(worker, echo):
    work, other = work_of(echo), work_of(echo)
    held(worker, echo, work)
    last = [worker.submit(kind, [text]) for kind, text in ((work, "a"), (other, "b"), (work, "c"), (work, "d"))][-1]
    echo.go.set()
    last.result(WAIT)
    assert echo.batches[1:] == [["a"], ["b"], ["c", "d"]]


def test_one_clients_mistake_is_not_anothers(worker, echo):
    work = work_of(echo)
    held(worker, echo, work)
    good, bad, failing = (worker.submit(work, [text]) for text in ("fine", "mistake", "failure"))
    echo.go.set()
    assert good.result(WAIT) == ["fine"]
    assert str(bad.exception(WAIT)).startswith("'mistake' cannot be answered")
    assert isinstance(failing.exception(WAIT), ArithmeticError)
    assert worker.submit(work, ["after"]).result(WAIT) == ["after"]


def test_what_is_taken_back_is_not_computed(worker, echo):
    work = work_of(echo)
    held(worker, echo, work)
    back, kept = worker.submit(work, ["back"]), worker.submit(work, ["kept"])
    assert back.cancel()
    echo.go.set()
    assert kept.result(WAIT) == ["kept"]
    assert echo.batches == [["first"], ["kept"]]


# --- long work --------------------------------------------------------------------------------------


class Slices:
    """Long work of as many slices as a text says; each waits for `go` to be released once, and is told in `order`."""

    def __init__(self, effort=SHORT + 1):
        self.order = []
        self.go = threading.Semaphore(0)
        self.reached = threading.Semaphore(0)
        self.work = Work("inspect", self.answer, 1, lambda text: effort)
        self.short = Work("predict", self.answer_short, 16)

    def answer(self, texts):
        for text in texts:
            for k in range(int(text)):
                self.reached.release()
                assert self.go.acquire(timeout=WAIT)
                self.order.append(k)
                pause()
            yield text

    def answer_short(self, texts):
        self.order.append("".join(texts))
        return texts


def test_all_short_work_that_waits_goes_first_at_a_pause_of_long_work(worker):
    slices = Slices()
    long = worker.submit(slices.work, ["4"])
    assert slices.reached.acquire(timeout=WAIT)
    shorts = [worker.submit(slices.short, [text * (SHORT // 2)]) for text in "abc"]  # two of them are a batch
    slices.go.release()
    assert [each.result(WAIT)[0][0] for each in shorts] == ["a", "b", "c"]
    assert not long.done()
    slices.go.release(3)
    assert long.result(WAIT) == ["4"]
    assert [each if isinstance(each, int) else set(each) for each in slices.order] == [0, {"a", "b"}, {"c"}, 1, 2, 3]


def test_shorter_long_work_goes_first_and_has_pauses_of_its_own(worker):
    """A page that is typed at does not wait for the attributions of another client's long text."""
    long, middle = Slices(effort=100 * SHORT), Slices(effort=10 * SHORT)
    first = worker.submit(long.work, ["3"])
    assert long.reached.acquire(timeout=WAIT)
    between = worker.submit(middle.work, ["2"])
    same = worker.submit(long.work, ["1"])  # as long as the first, whose end it waits for
    long.go.release()
    assert middle.reached.acquire(timeout=WAIT)
    short = worker.submit(long.short, ["a"])
    middle.go.release(2)
    assert short.result(WAIT) == ["a"]
    assert between.result(WAIT) == ["2"]
    assert not first.done()
    long.go.release(3)
    assert (first.result(WAIT), same.result(WAIT)) == (["3"], ["1"])
    assert long.order == [0, "a", 1, 2, 0]


def test_long_work_is_not_starved(worker):
    slices, stop = Slices(), threading.Event()

    def ask():
        while not stop.is_set():
            worker.submit(slices.short, ["a"]).result(WAIT)

    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(ask)
        slices.go.release(50)
        assert worker.submit(slices.work, ["50"]).result(WAIT) == ["50"]
        stop.set()


def test_long_work_that_nobody_waits_for_ends_at_its_next_pause(worker):
    slices = Slices()
    long, next_long = worker.submit(slices.work, ["9"]), worker.submit(slices.work, ["1"])
    assert slices.reached.acquire(timeout=WAIT)
    assert not long.cancel()  # it has begun
    slices.go.release(2)
    assert next_long.result(WAIT) == ["1"]
    assert slices.order == [0, 0]


def test_many_texts_of_one_request_are_given_to_the_model_in_parts(worker, echo):
    texts = [str(k) * (SHORT // 2) for k in range(5)]
    assert worker.submit(work_of(echo), texts).result(WAIT) == texts
    assert [len(batch) for batch in echo.batches] == [2, 2, 1]


def test_a_mistake_in_short_work_is_not_the_long_works(worker, echo):
    slices = Slices()
    long = worker.submit(slices.work, ["1"])
    assert slices.reached.acquire(timeout=WAIT)
    failing = worker.submit(work_of(echo), ["failure"])
    slices.go.release()
    assert isinstance(failing.exception(WAIT), ArithmeticError)
    assert long.result(WAIT) == ["1"]


def test_a_full_queue_refuses(echo):
    worker = Worker(Metrics(), most_waiting=2)
    work = work_of(echo)
    held(worker, echo, work)
    accepted = [worker.submit(work, [text]) for text in "ab"]
    with pytest.raises(BusyError, match="2 requests wait already"):
        worker.submit(work, ["c"])
    echo.go.set()
    assert [each.result(WAIT) for each in accepted] == [["a"], ["b"]]
    worker.close()


def test_closing_answers_what_was_accepted_and_refuses_the_rest(echo):
    worker = Worker(Metrics(), most_waiting=1_000_000)
    work = work_of(echo, most=1)
    held(worker, echo, work)
    accepted = [worker.submit(work, [text]) for text in "abc"]
    closing = threading.Thread(target=worker.close)
    closing.start()

    def submit_until_refused():
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            accepted.append(worker.submit(work, ["later"]))
            time.sleep(0.001)

    with pytest.raises(BusyError, match="the server ends"):
        submit_until_refused()
    echo.go.set()
    closing.join(WAIT)
    assert not closing.is_alive()
    assert [each.result(0) for each in accepted] == [["a"], ["b"], ["c"], *[["later"]] * (len(accepted) - 3)]


def test_as_many_answers_as_texts(worker):
    future = worker.submit(Work("predict", lambda texts: texts[1:], 9), ["a", "b"])
    with pytest.raises(RuntimeError, match="1 answers to 2 texts"):
        future.result(WAIT)
