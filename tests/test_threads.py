"""Where no second thread is wanted, none is started, and elsewhere it is."""

import threading

import pytest

from certtrust.arrays import threads

MANY = 1_000_000


def own_thread() -> bool:
    """Return True where work on many rows stays in the thread that asks for it."""
    here = threading.get_ident()
    numbers = threads.parallel_map(lambda _item: threading.get_ident(), [1, 2], MANY)
    return set(numbers) == {here}


@pytest.mark.skipif(not threads.can_start(), reason="no threads here")
def test_blocks_of_two_threads_that_overlap_end_each_by_itself() -> None:
    """The first block that begins is also the first that ends."""
    begun, ended = threading.Event(), threading.Event()
    inside = []

    def other() -> None:
        with threads.one_thread():
            begun.set()
            ended.wait(10)
            inside.append(own_thread())

    overlapping = threading.Thread(target=other)
    with threads.one_thread():
        overlapping.start()
        begun.wait(10)
        assert own_thread()
    assert not own_thread()
    ended.set()
    overlapping.join()

    assert inside == [True]
    assert not own_thread()
