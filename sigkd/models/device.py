"""Which device does the work."""

from __future__ import annotations

import torch

from sigkd.errors import UsageError


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    ``auto`` takes a CUDA device, else an Apple one, else the CPU. A device that is asked for and absent is an error,
    never silently replaced.

    Raises:
        UsageError: unknown name, or a device that this machine does not have.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown device '{name}': use auto, cpu, cuda, cuda:N or mps") from None
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise UsageError(
                f"device '{name}' is not there: this machine has {count} CUDA device(s); use `device='auto'` or cpu"
            )
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise UsageError("device 'mps' is not there: use `device='auto'` or cpu")
    elif device.type != "cpu":
        raise UsageError(f"device '{name}' is not supported: use auto, cpu, cuda, cuda:N or mps")
    return device
