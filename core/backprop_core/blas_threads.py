"""One thread for the matrix products: decided by the environment, before NumPy is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

THREAD_COUNTS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def use_one_thread(environment: MutableMapping[str, str]) -> None:
    """Ask for one thread in every BLAS that NumPy may be built on; numbers already given stay.

    More threads sum in another order, so that weights would differ between runs that use different
    counts; they gain nothing on small networks, and take the core that draws the screen.
    """
    for name in THREAD_COUNTS:
        environment.setdefault(name, "1")
