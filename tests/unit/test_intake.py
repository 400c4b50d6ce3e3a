"""Reads are held until they are asked for, and their stamps are judged then."""

from loadproof.streaming.clock import KernelClock
from loadproof.streaming.intake import Intake
from loadproof.streaming.response import Response
from unit.replies import DONE, FINISH, TO_THE_CLOSE, texts

CLOCK = KernelClock(lambda: 0, lambda: 1_000_000)
WALL = 1_000_000


def test_nothing_is_decoded_before_it_is_asked_for() -> None:
    response = Response()
    intake = Intake(response, CLOCK, 0)
    for index, piece in enumerate([TO_THE_CLOSE, texts("a"), texts("b"), FINISH + DONE], 1):
        intake.add(piece, WALL + index * 10, index * 10 + 5)
    assert (response.head, intake.held_bytes) == (None, intake.total_bytes)
    assert intake.decode(2)
    assert response.transcript.content == "a"
    assert not intake.decode(100)
    assert list(response.transcript.arrivals_ns) == [20, 30]
    assert (intake.held_bytes, intake.first_byte_ns, intake.last_ns) == (0, 10, 40)
    assert intake.stamps_hold


def test_one_stamp_that_is_missing_is_remembered() -> None:
    response = Response()
    intake = Intake(response, CLOCK, 0)
    intake.add(TO_THE_CLOSE + texts("a"), WALL + 10, 20)
    intake.add(texts("b"), 0, 40)
    intake.decode(100)
    assert not intake.stamps_hold
    assert list(response.transcript.arrivals_ns) == [10, 40]


def test_stamps_that_run_backwards_are_not_believed() -> None:
    intake = Intake(Response(), CLOCK, 0)
    intake.add(TO_THE_CLOSE, WALL + 900_000, 950_000)
    intake.add(texts("a"), WALL + 100_000, 960_000)
    intake.decode(100)
    assert not intake.stamps_hold
