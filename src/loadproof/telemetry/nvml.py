"""GPU memory by NVML, through NVIDIA's own bindings (module pynvml)."""

from dataclasses import dataclass
from typing import Any

import pynvml


class GpusUnavailableError(Exception):
    """Why GPUs are not sampled, as one line."""


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One GPU at one moment. Memory in bytes; `used` leaves out what the driver reserves for
    itself, where the driver tells them apart. `utilization` is a share from 0 to 1 of the last
    driver period in which a kernel ran; None where the GPU does not say (MIG)."""

    index: int
    name: str
    used: int
    total: int
    utilization: float | None


class Gpus:
    """The machine's GPUs, as far as the server may use them."""

    def __init__(self, visible_devices: str | None) -> None:
        """`visible_devices` is the server's CUDA_VISIBLE_DEVICES, None where it is not set.

        Raises GpusUnavailableError: no NVML library, no driver, no permission, no GPU.
        """
        try:
            pynvml.nvmlInit()
            handles = [
                pynvml.nvmlDeviceGetHandleByIndex(index)
                for index in range(pynvml.nvmlDeviceGetCount())
            ]
            uuids = [str(pynvml.nvmlDeviceGetUUID(handle)) for handle in handles]
            names = [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
        except pynvml.NVMLError as error:
            raise GpusUnavailableError(_explained(error)) from None
        indexes = visible_indexes(uuids, visible_devices)
        if not indexes:
            hidden = f"; CUDA_VISIBLE_DEVICES is {visible_devices!r}" if handles else ""
            raise GpusUnavailableError(f"GPU memory is not sampled: no GPU to see{hidden}")
        self._gpus = [(index, names[index], handles[index]) for index in indexes]
        self._tells_reserved = True

    def sample(self) -> list[GpuSample]:
        """One sample a GPU.

        Raises GpusUnavailableError where any of them gives none: a sum over the others would
        pass for the whole.
        """
        try:
            return [self._sample(*gpu) for gpu in self._gpus]
        except pynvml.NVMLError as error:
            raise GpusUnavailableError(_explained(error)) from None

    def _sample(self, index: int, name: str, handle: Any) -> GpuSample:
        memory = self._memory(handle)
        try:
            utilization = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
        except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound):
            utilization = None
        return GpuSample(index, name, int(memory.used), int(memory.total), utilization)

    def _memory(self, handle: Any) -> Any:
        """The second version of the call, which tells used from reserved; drivers before R470
        know the first alone."""
        if self._tells_reserved:
            try:
                return pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
            except (
                pynvml.NVMLError_FunctionNotFound,
                pynvml.NVMLError_ArgumentVersionMismatch,
            ):
                self._tells_reserved = False
        return pynvml.nvmlDeviceGetMemoryInfo(handle)


def visible_indexes(uuids: list[str], visible_devices: str | None) -> list[int]:
    """Which GPUs a CUDA program sees, given all GPUs' UUIDs in NVML's order.

    As CUDA reads CUDA_VISIBLE_DEVICES: indexes or beginnings of UUIDs, up to the first one that
    fits no GPU; unset shows all. CUDA numbers GPUs as NVML does where CUDA_DEVICE_ORDER is
    PCI_BUS_ID or all are of one kind. A MIG slice cannot be told here, so all are shown.
    """
    everything = list(range(len(uuids)))
    if visible_devices is None or "MIG-" in visible_devices:
        return everything
    seen: list[int] = []
    for word in (part.strip() for part in visible_devices.split(",")):
        fits = [
            index
            for index, uuid in enumerate(uuids)
            if word == str(index) or (word.startswith("GPU-") and uuid.startswith(word))
        ]
        if len(fits) != 1:
            break
        seen += fits
    return sorted(set(seen))


def _explained(error: Any) -> str:
    reasons = {
        pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "this machine has no NVML (libnvidia-ml.so.1)",
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is not loaded",
        pynvml.NVML_ERROR_NO_PERMISSION: "NVML refuses it to this user",
    }
    return f"GPU memory is not sampled: {reasons.get(error.value, f'NVML says: {error}')}"
