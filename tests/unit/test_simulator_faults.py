"""Which requests are mistreated, how, and when within their answer."""

import collections

import pytest

from loadproof.model.server import Simulator
from loadproof.servers.simulator.faults import Fault, Faults, Kind, forced


def test_faults_come_in_their_shares_and_repeat_with_the_seed() -> None:
    settings = Simulator(faults={"reset": 0.1, "status_503": 0.25, "stall": 0.0})
    faults, again = Faults(settings), Faults(settings)
    assert [faults.next() for _ in range(50)] == [again.next() for _ in range(50)]
    counts = collections.Counter(
        fault and fault.kind for fault in (faults.next() for _ in range(4000))
    )
    assert counts[Kind.RESET] == pytest.approx(400, rel=0.2)
    assert counts[Kind.STATUS_503] == pytest.approx(1000, rel=0.15)
    assert counts[Kind.STALL] == 0


def test_a_server_without_faults_commits_none() -> None:
    faults = Faults(Simulator())
    assert all(faults.next() is None for _ in range(100))


def test_a_share_of_one_hits_every_request() -> None:
    faults = Faults(Simulator(faults={"truncate": 1.0}))
    assert all(faults.next() == Fault(Kind.TRUNCATE) for _ in range(100))


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("reset", Fault(Kind.RESET)),
        (" stall ; after=3 ", Fault(Kind.STALL, 3)),
        ("status_429", Fault(Kind.STATUS_429)),
    ],
)
def test_a_header_forces_a_fault(header: str, fault: Fault) -> None:
    assert forced(header) == fault


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("explode", "is none of stall, reset"),
        ("reset; after=x", "should be after="),
        ("", "none of"),
    ],
)
def test_a_header_that_asks_for_nothing_known_is_refused(header: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        forced(header)


def test_a_stall_begins_at_once_and_other_faults_halfway() -> None:
    assert Fault(Kind.STALL).position(10) == 0
    assert Fault(Kind.RESET).position(10) == 5
    assert Fault(Kind.RESET, 99).position(10) == 9
    assert Fault(Kind.RESET).position(1) == 0


def test_statuses_are_told_by_their_names() -> None:
    assert [kind.status for kind in (Kind.STATUS_429, Kind.STATUS_503, Kind.RESET)] == [
        429,
        503,
        None,
    ]
