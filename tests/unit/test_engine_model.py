"""The engine model: what an iteration costs, who waits, who gives way, that nothing gets lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.model.server import Simulator
from loadproof.servers.simulator.engine import Engine, Sequence, context_limit
from loadproof.servers.simulator.virtual_time import Arrival, simulate, simulate_closed_loop

COSTS = Simulator(
    base_us=1000.0, per_sequence_us=10.0, per_cached_token_us=0.5, per_prefill_token_us=20.0
)


def with_costs(**changes: int) -> Simulator:
    return COSTS.model_copy(update=changes)


def test_first_token_of_a_lone_request_costs_one_prefill() -> None:
    seen = simulate(COSTS, [Arrival(5000.0, prompt_tokens=100, output_tokens=1)])
    assert seen.ttft_us.tolist() == [1000 + 100 * 20]
    assert seen.e2e_us.tolist() == [1000 + 100 * 20]
    assert seen.itl_us[0].size == 0


def test_each_decode_costs_the_cached_tokens_of_its_sequence() -> None:
    seen = simulate(COSTS, [Arrival(0.0, prompt_tokens=100, output_tokens=4)])
    assert seen.itl_us[0] == pytest.approx([1010 + 0.5 * cached for cached in (100, 101, 102)])


def test_iterations_get_longer_with_the_number_of_sequences() -> None:
    alone, ten = (
        simulate(COSTS, [Arrival(0.0, 64, 3)] * sequences).itl_us[0][0] for sequences in (1, 10)
    )
    assert alone == 1000 + 10 + 0.5 * 64
    assert ten == 1000 + 10 * (10 + 0.5 * 64)


def test_a_long_prompt_is_prefilled_in_chunks() -> None:
    engine = Engine(with_costs(max_batched_tokens=100))
    engine.submit(Sequence(250, 1))
    iterations = [engine.step() for _ in range(3)]
    assert [iteration.prefill_tokens for iteration in iterations] == [100, 100, 50]
    assert [len(iteration.emitted) for iteration in iterations] == [0, 0, 1]
    assert engine.idle


def test_decodes_go_first_and_prefill_gets_what_is_left_of_the_budget() -> None:
    engine = Engine(with_costs(max_batched_tokens=50))
    decoding = [Sequence(10, 20) for _ in range(4)]
    for sequence in decoding:
        engine.submit(sequence)
    engine.step()
    engine.submit(Sequence(200, 1))
    iteration = engine.step()
    assert iteration.emitted == decoding
    assert iteration.prefill_tokens == 50 - 4


def test_a_full_batch_makes_the_rest_wait_in_the_order_of_arrival() -> None:
    settings_ = with_costs(max_batch=2)
    seen = simulate(settings_, [Arrival(float(k), 10, 10) for k in range(6)])
    first_token_us = seen.submitted_us + seen.ttft_us
    assert np.all(np.diff(first_token_us) >= 0)
    last_token_us = seen.submitted_us + seen.e2e_us
    # The third starts when one of the first two has ended, the fifth when the third or fourth has.
    assert first_token_us[2] > last_token_us[0]
    assert first_token_us[4] > last_token_us[2]


def test_a_request_that_arrives_within_an_iteration_waits_for_its_end() -> None:
    seen = simulate(COSTS, [Arrival(0.0, 100, 2), Arrival(1.0, 100, 1)])
    assert seen.ttft_us[1] == pytest.approx(3000 - 1 + 1010 + 0.5 * 100 + 100 * 20)


def test_the_last_admitted_gives_way_when_blocks_run_out_and_recovers() -> None:
    tight = with_costs(kv_blocks=8, block_tokens=16, context_tokens=128)
    engine = Engine(tight)
    first, second = Sequence(48, 60), Sequence(48, 60)
    engine.submit(first)
    engine.submit(second)
    preempted: list[Sequence] = []
    tokens = {first: 0, second: 0}
    recomputed = 0
    while not engine.idle:
        iteration = engine.step()
        preempted += iteration.preempted
        if second in iteration.admitted and second.preemptions:
            recomputed += iteration.prefill_tokens
        for sequence in iteration.emitted:
            tokens[sequence] += 1
    assert preempted == [second]
    assert (first.preemptions, second.preemptions) == (0, 1)
    assert tokens == {first: 60, second: 60}
    # Its prompt and what it had emitted are computed again.
    assert recomputed > 48
    assert engine.free_blocks == 8


def test_kv_usage_is_the_share_of_blocks_held() -> None:
    engine = Engine(with_costs(kv_blocks=10, block_tokens=16, context_tokens=160))
    sequence = Sequence(33, 5)
    engine.submit(sequence)
    engine.step()
    assert engine.kv_usage == pytest.approx(0.3)
    engine.abort(sequence)
    assert engine.kv_usage == 0
    assert engine.idle


def test_an_aborted_sequence_leaves_queue_and_batch() -> None:
    engine = Engine(with_costs(max_batch=1))
    running, waiting, next_one = Sequence(10, 5), Sequence(10, 5), Sequence(10, 5)
    for sequence in (running, waiting, next_one):
        engine.submit(sequence)
    engine.step()
    engine.abort(waiting)
    engine.abort(running)
    engine.abort(running)
    iteration = engine.step()
    assert iteration.emitted == [next_one]


def test_what_can_never_fit_is_refused() -> None:
    engine = Engine(with_costs(kv_blocks=4, block_tokens=16))
    assert context_limit(engine.settings) == 64
    with pytest.raises(ValueError, match="more than 64 tokens"):
        engine.submit(Sequence(60, 5))
    with pytest.raises(ValueError, match="at least one"):
        Sequence(10, 0)
    with pytest.raises(ValueError, match="idle"):
        engine.step()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.floats(0, 50_000), st.integers(min_value=1, max_value=90), st.integers(1, 60)),
        min_size=1,
        max_size=25,
    ),
    st.integers(1, 8),
    st.integers(1, 64),
    st.integers(10, 40),
)
def test_every_request_finishes_with_its_exact_number_of_tokens(
    requests: list[tuple[float, int, int]], max_batch: int, budget: int, blocks: int
) -> None:
    settings_ = with_costs(
        max_batch=max_batch, max_batched_tokens=budget, kv_blocks=blocks, block_tokens=16
    )
    arrivals = [Arrival(*request) for request in requests]
    seen = simulate(settings_, arrivals)
    in_order = sorted(requests, key=lambda request: request[0])
    assert [gaps.size + 1 for gaps in seen.itl_us] == [output for _, _, output in in_order]
    assert all(np.all(gaps >= 1000.0) for gaps in seen.itl_us)
    again = simulate(settings_, arrivals)
    assert again.e2e_us.tolist() == seen.e2e_us.tolist()
    assert again.iterations == seen.iterations


def test_a_closed_loop_keeps_as_many_requests_in_flight_as_it_has_users() -> None:
    seen = simulate_closed_loop(COSTS, users=3, lengths=[(20, 30)] * 60)
    ended_us = seen.submitted_us + seen.e2e_us
    assert seen.ttft_us.size == 60
    for at_us in np.linspace(0, seen.submitted_us[-1], 50):
        in_flight = np.sum((seen.submitted_us <= at_us) & (at_us < ended_us))
        assert in_flight == 3


def test_thinking_users_pause_before_their_next_request() -> None:
    seen = simulate_closed_loop(COSTS, 1, [(20, 5)] * 4, think_us=lambda _index: 7000.0)
    ended_us = seen.submitted_us + seen.e2e_us
    assert seen.submitted_us[1:] - ended_us[:-1] == pytest.approx(7000.0)
