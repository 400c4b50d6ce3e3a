"""Ending a process that we started, with everything that it started, and nothing else."""

import os
import subprocess

import psutil


def end_tree(process: subprocess.Popen[bytes], within_s: float) -> None:
    """Ends the session that `process` leads, and its descendants in other sessions.

    All get SIGTERM and up to `within_s` seconds, then those left SIGKILL: also where an exception
    such as a second Ctrl-C cuts the wait short. `process` has to be a child that was started with
    `start_new_session=True`.
    """
    # As long as nobody has waited for it, its id is its own, be it dead or alive.
    leader = psutil.Process(process.pid) if process.returncode is None else None
    members: set[psutil.Process] = set()
    try:
        members = _tree(process.pid, leader)
        for member in members:
            _signal(member, kill=False)
        psutil.wait_procs(members, timeout=within_s)
    finally:
        # What was started meanwhile counts too; what has ended is no longer there to be found.
        for member in members | _tree(process.pid, leader):
            _signal(member, kill=True)
        process.wait()


def _tree(session: int, leader: psutil.Process | None) -> set[psutil.Process]:
    """The leader, its descendants, and the members of its session whose parents have ended."""
    is_there = leader is not None and leader.is_running()
    if not is_there and psutil.pid_exists(session):
        # Some other process has got its id, which cannot happen while its session has a member.
        return set()
    found = _members(session)
    if leader is not None and is_there:
        found.add(leader)
    for member in tuple(found):
        try:
            found.update(member.children(recursive=True))
        except psutil.NoSuchProcess:
            continue
    return found


def _members(session: int) -> set[psutil.Process]:
    members = set()
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == session:
                members.add(psutil.Process(pid))
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    return members


def _signal(member: psutil.Process, *, kill: bool) -> None:
    """A signal, unless it has ended; psutil sees to it that its id has not been given away."""
    try:
        if kill:
            member.kill()
        else:
            member.terminate()
    except psutil.NoSuchProcess:
        return
