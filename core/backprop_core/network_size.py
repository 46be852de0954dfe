"""How much memory a network needs to be trained, and the refusal of one that needs more than there is."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from backprop_core.errors import UserError
from backprop_core.evaluation import CHUNK
from backprop_core.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.experiment import Experiment

UNQUESTIONED_BYTES = 64 * 1024 * 1024
"""So little is not worth asking how much memory there is."""

VECTORS = 6
"""As long as the parameters: they, gradient, update, scratch, and copies of the first three for undo."""

BUFFERS = 3
"""A number each for a unit and sample: pre-activation, activation, delta."""


def parameter_count(sizes: Sequence[int], bias: bool) -> int:
    """Return how many parameters a network of these layers' sizes has, inputs first."""
    return sum((fan_in + bias) * fan_out for fan_in, fan_out in pairwise(sizes))


def training_bytes(experiment: Experiment, sizes: Sequence[int], samples: int) -> int:
    """Return about how many bytes training takes, the data not counted."""
    network, training = experiment.network, experiment.training
    item = 4 if network.precision == "float32" else 8
    vectors = VECTORS + len(OPTIMIZERS[training.optimizer.name].moments)
    batch = min(training.batch_size or samples, samples)
    buffered = BUFFERS * batch + (BUFFERS - 1) * min(samples, CHUNK)
    return item * (vectors * parameter_count(sizes, network.bias) + buffered * sum(sizes))


def must_fit(experiment: Experiment, sizes: Sequence[int], samples: int) -> None:
    """Refuse a network that needs more memory than there is, before any is taken.

    Raises
    ------
    UserError
        Names the number of parameters, the bytes needed and the bytes there are.
    """
    needed = training_bytes(experiment, sizes, samples)
    if needed <= UNQUESTIONED_BYTES:
        return
    free = free_bytes()
    if free is not None and needed > free:
        count = parameter_count(sizes, experiment.network.bias)
        raise UserError(
            f"[network] hidden: a network of {count} parameters needs {shown_bytes(needed)} to be trained on"
            f" these data; {shown_bytes(free)} of memory are free: make it, or the batch, smaller"
        )


def shown_bytes(count: int) -> str:
    """Return a number of bytes in words: ``"373 GB"``."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if size < 1000 or unit == "PB":
            break
        size /= 1000
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"


def free_bytes() -> int | None:
    """Return how much memory may still be taken, None where that is not known."""
    known = [size for size in (_free_in_machine(), _free_in_group(), _free_under_limit()) if size is not None]
    return min(known, default=None)


def _free_in_machine() -> int | None:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _free_in_group() -> int | None:
    """Return what a container's limit leaves."""
    for most, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        limit, taken = "".join(_lines(most)).strip(), "".join(_lines(used)).strip()
        if limit.isdecimal() and taken.isdecimal():
            return max(int(limit) - int(taken), 0)
    return None


def _free_under_limit() -> int | None:
    """Return what ``ulimit -v`` leaves."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    pages = "".join(_lines("/proc/self/statm")).split()
    taken = int(pages[0]) * resource.getpagesize() if pages else 0
    return max(limit - taken, 0)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
