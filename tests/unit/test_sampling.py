import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadproof.telemetry.cpu_rate import CpuRate
from loadproof.telemetry.nvml import visible_indexes
from loadproof.telemetry.sampling import PERIOD_NS, next_slot_ns

UUIDS = ["GPU-aaaa1", "GPU-aaaa2", "GPU-bbbb3"]


@given(st.integers(0, 10**18), st.integers(0, 10**12))
def test_the_next_slot_is_the_first_whole_period_to_come(start_ns: int, passed_ns: int) -> None:
    slot_ns = next_slot_ns(start_ns, PERIOD_NS, start_ns + passed_ns)
    assert (slot_ns - start_ns) % PERIOD_NS == 0
    assert 0 < slot_ns - (start_ns + passed_ns) <= PERIOD_NS


def test_slots_missed_by_a_late_sample_are_left_out() -> None:
    assert next_slot_ns(0, 100, 99) == 100
    assert next_slot_ns(0, 100, 100) == 200
    assert next_slot_ns(0, 100, 350) == 400


def test_cores_in_use_are_those_of_the_last_second() -> None:
    rate = CpuRate()
    assert rate.cores(0, 50.0) is None
    assert rate.cores(500_000_000, 51.0) == 2.0
    assert rate.cores(1_000_000_000, 51.0) == 1.0
    assert rate.cores(2_000_000_000, 51.0) == 0.0
    assert rate.cores(3_000_000_000, 52.5) == 1.5


def test_a_counter_that_falls_is_no_negative_rate() -> None:
    rate = CpuRate()
    rate.cores(0, 5.0)
    assert rate.cores(10**9, 4.0) == 0.0


@pytest.mark.parametrize(
    ("visible_devices", "indexes"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("-1", []),
        ("0", [0]),
        ("2,0", [0, 2]),
        (" 1 , 2 ", [1, 2]),
        ("1,7,2", [1]),
        ("GPU-bbbb", [2]),
        ("GPU-aaaa", []),
        ("GPU-aaaa2,0", [0, 1]),
        ("MIG-aaaa", [0, 1, 2]),
    ],
)
def test_gpus_are_seen_as_cuda_sees_them(visible_devices: str | None, indexes: list[int]) -> None:
    assert visible_indexes(UUIDS, visible_devices) == indexes
