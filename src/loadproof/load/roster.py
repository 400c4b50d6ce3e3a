"""The workers of a run as the conductor knows them: who takes part, and where each stands."""

from collections.abc import Mapping

from locust.runners import STATE_MISSING, LocalRunner, MasterRunner

from loadproof.load.messages import Report


class Roster:
    """The workers of one run, by Locust's ids, with the last report of each.

    Without Locust workers the one process is its own. A worker that has handed in everything
    counts as there, whether or not it still is.
    """

    def __init__(self, runner: LocalRunner | MasterRunner) -> None:
        self._runner = runner
        self._reports: dict[str, Report] = {}
        self._lost: set[str] = set()
        self.ids = self._connected()

    def admit(self, worker: str) -> bool:
        """Adds a worker that has connected; False if it takes part already."""
        if worker in self.ids:
            return False
        self.ids.append(worker)
        return True

    def enter(self, report: Report) -> None:
        """Takes note of where a worker stands."""
        self._reports[report.worker] = report

    def newly_lost(self) -> set[str]:
        """The workers that have gone, with what they had measured, since the last call."""
        lost = set(self.ids) - set(self._live()) - self._lost
        self._lost |= lost
        return lost

    def users(self) -> dict[str, int]:
        """The number of users that run in each worker."""
        if isinstance(self._runner, LocalRunner):
            return dict.fromkeys(self.ids, self._runner.user_count)
        nodes = self._runner.clients
        return {worker: nodes[worker].user_count for worker in self._connected()}

    def are_idle(self, number: int) -> bool:
        """Whether all have followed phase message `number` and none has a request in flight."""
        reports = self._current(number)
        return reports is not None and all(report.in_flight == 0 for report in reports)

    def are_spent(self, number: int) -> bool:
        """Whether all have followed phase message `number` and started all their requests."""
        reports = self._current(number)
        return reports is not None and all(report.spent for report in reports)

    def are_finished(self) -> bool:
        """Whether all have handed in everything."""
        return all(w in self._reports and self._reports[w].finished for w in self._live())

    def reach_nothing(self) -> bool:
        """Whether no worker's requests have found a server for some time."""
        reports = self._reports.values()
        return bool(reports) and all(report.unreachable for report in reports)

    def _current(self, number: int) -> list[Report] | None:
        """The reports of all live workers, if all of them are about phase message `number`."""
        reports = [self._reports.get(worker) for worker in self._live()]
        current = [report for report in reports if report is not None and report.number == number]
        return current if len(current) == len(reports) else None

    def _live(self) -> list[str]:
        connected = self._connected()
        return [
            worker
            for worker in self.ids
            if worker in connected or (worker in self._reports and self._reports[worker].finished)
        ]

    def _connected(self) -> list[str]:
        if isinstance(self._runner, LocalRunner):
            return [self._runner.client_id]
        return [node.id for node in self._runner.clients.all if node.state != STATE_MISSING]


def shared_out(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """`total` shared out in proportion to `weights`, by largest remainder; it adds up exactly."""
    whole = sum(weights.values()) or 1
    shares = {name: total * weight // whole for name, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda name: -(total * weights[name] % whole))
    for name in by_remainder[: total - sum(shares.values())]:
        shares[name] += 1
    return shares
