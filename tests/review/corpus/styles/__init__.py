"""Ways of writing a network, one file a way."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.review.corpus.template import Style

STYLES: tuple[Style, ...] = tuple(
    importlib.import_module(f"{__name__}.{found.name}").STYLE for found in pkgutil.iter_modules(__path__)
)
