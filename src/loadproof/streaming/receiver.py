"""The receiver: a thread in C that reads responses while Python is busy with something else."""

import ctypes
import os
from array import array
from collections.abc import Callable
from functools import lru_cache
from weakref import WeakKeyDictionary

import gevent
from gevent.hub import Hub

from loadproof.streaming.intake import Intake
from loadproof.streaming.native import library

_MOST_REPORTS = 256
_MARK_NUMBERS = 3
"""Of each read: stamp, time of reading, size."""
_CLOSED_IN_GOOD_ORDER = -1
_OUT_OF_MEMORY = -2
_READ = 1


class _View(ctypes.Structure):
    _fields_ = (
        ("bytes", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("marks", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
        ("ended", ctypes.c_int),
    )


class Receiver:
    """One receiver's thread, for the loop of one hub. Streams go by keys."""

    def __init__(self, compiled: ctypes.CDLL, hub: Hub) -> None:
        """Raises OSError where no thread or descriptor is to be had."""
        self._library = compiled
        self._handle = compiled.rx_open()
        if not self._handle:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self.process = os.getpid()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._key = ctypes.c_uint64()
        self._keys = (ctypes.c_uint64 * _MOST_REPORTS)()
        self._view = _View()
        self._view_place = ctypes.byref(self._view)
        # The loop may come to its end while a receiver stands by.
        self._watcher = hub.loop.io(compiled.rx_news(self._handle), _READ, ref=False)
        self._watcher.start(self._on_reports)

    def attend(self, fd: int, on_report: Callable[[], None]) -> int:
        """Reads from the socket `fd` from now on; returns the stream's key. Raises OSError."""
        problem = self._library.rx_attend(self._handle, fd, ctypes.byref(self._key))
        if problem:
            raise OSError(problem, os.strerror(problem))
        key = self._key.value
        self._callbacks[key] = on_report
        return key

    def go_on(self, key: int, slice_bytes: int, hold_bytes: int, left_bytes: int | None) -> None:
        """Report no longer each event; see `rx_go_on`."""
        left = -1 if left_bytes is None else left_bytes
        self._library.rx_go_on(self._handle, key, slice_bytes, hold_bytes, left)

    def take(self, key: int, intake: Intake) -> OSError | EOFError | None:
        """Moves what has come into `intake`; returns why no more will, if so."""
        self._library.rx_take(self._handle, key, self._view_place)
        view = self._view
        if view.count:
            marks = array("q")
            marks.frombytes(ctypes.string_at(view.marks, view.count * _MARK_NUMBERS * 8))
            data = ctypes.string_at(view.bytes, view.size)
            intake.add_all(
                data, marks[2::_MARK_NUMBERS], marks[::_MARK_NUMBERS], marks[1::_MARK_NUMBERS]
            )
        if not view.ended:
            return None
        if view.ended == _CLOSED_IN_GOOD_ORDER:
            return EOFError()
        if view.ended == _OUT_OF_MEMORY:
            raise MemoryError
        return OSError(view.ended, os.strerror(view.ended))

    def let_go(self, key: int) -> None:
        """Leaves the stream's socket alone from now on."""
        self._library.rx_let_go(self._handle, key)
        del self._callbacks[key]

    def close(self) -> None:
        """Ends the thread; no stream may be attended any more."""
        self._watcher.stop()
        self._watcher.close()
        self._library.rx_close(self._handle)

    def _on_reports(self) -> None:
        count = self._library.rx_reports(self._handle, self._keys, _MOST_REPORTS)
        for key in self._keys[:count]:
            callback = self._callbacks.get(key)
            if callback is not None:
                callback()


_receivers: "WeakKeyDictionary[Hub, Receiver]" = WeakKeyDictionary()


def receiver() -> Receiver | None:
    """The receiver of this process and hub, started on first use; None where there is none."""
    hub = gevent.get_hub()
    found = _receivers.get(hub)
    if found is not None and found.process == os.getpid():
        return found
    compiled = _library()
    if compiled is None:
        return None
    # After a fork the parent's thread is not there: what it was is left as it is.
    found = _receivers[hub] = Receiver(compiled, hub)
    return found


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    """The compiled part, its functions declared."""
    found = library()
    if found is None:
        return None
    handle, key = ctypes.c_void_p, ctypes.c_uint64
    found.rx_open.restype = handle
    found.rx_close.argtypes = [handle]
    found.rx_news.argtypes = [handle]
    found.rx_attend.argtypes = [handle, ctypes.c_int, ctypes.POINTER(key)]
    found.rx_go_on.argtypes = [handle, key, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int64]
    found.rx_reports.argtypes = [handle, ctypes.POINTER(key), ctypes.c_size_t]
    found.rx_reports.restype = ctypes.c_size_t
    found.rx_take.argtypes = [handle, key, ctypes.POINTER(_View)]
    found.rx_let_go.argtypes = [handle, key]
    return found
