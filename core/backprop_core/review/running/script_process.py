"""Executing a script as if by hand, but with nothing shown, nothing drawn, and its files left alone."""

from __future__ import annotations

import builtins
import io
import os
import sys
import tempfile
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any


def execute(code: CodeType, script: Path, namespace: dict[str, Any], extra: dict[str, Any]) -> None:
    """Run compiled code as ``__main__``.

    Parameters
    ----------
    namespace : dict
        Becomes the globals of the script.
    extra : dict
        Names that the code finds as if they were built in.
    """
    main = ModuleType("__main__")
    namespace.update(
        __name__="__main__",
        __file__=str(script),
        __builtins__=builtins,
        __doc__=None,
        __package__=None,
        __spec__=None,
    )
    main.__dict__.update(namespace)
    sys.modules["__main__"] = main
    for name, value in extra.items():
        setattr(builtins, name, value)
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.resolve().parent))
    builtins.input = lambda prompt="": _no_input()
    os.environ["MPLBACKEND"] = "Agg"
    sys.meta_path.append(_StandIns())
    _shadow_files()
    exec(code, namespace)


def _no_input() -> str:
    raise EOFError("the script asks for input; a review has nobody to answer")


DRAWING = ("matplotlib", "seaborn", "plotly", "tqdm", "IPython")


class _StandIns:
    """Finds harmless stand-ins for plotting libraries that are not installed."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return a spec for a module of :data:`DRAWING`; asked last, so only where there is none."""
        if name.partition(".")[0] not in DRAWING:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> ModuleType:
        """Make a module all of whose attributes do nothing."""
        return _Nothing(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do."""


class _Nothing(ModuleType):
    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _through if name in ("tqdm", "trange") else _Drawn()


def _through(iterable: Any = (), *arguments: Any, **keywords: Any) -> Any:
    return range(iterable) if isinstance(iterable, int) else iterable


class _Drawn:
    """Stands for any object of a plotting library."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Drawn()

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return _Drawn()

    def __iter__(self) -> Any:
        return iter((_Drawn(), _Drawn()))

    def __getitem__(self, index: Any) -> Any:
        return _Drawn()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *trouble: object) -> None:
        return None


def _shadow_files() -> None:
    """Let the script write its files into a directory of this process; what it wrote is what it reads."""
    original = io.open
    written: dict[str, str] = {}
    place: list[str] = []

    def opened(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
        if not isinstance(file, (str, os.PathLike)):
            return original(file, mode, *arguments, **keywords)
        path = str(Path(os.fspath(file)).absolute()) if isinstance(os.fspath(file), str) else None
        if path is None or path.startswith("/dev/"):
            return original(file, mode, *arguments, **keywords)
        if set(mode) & set("wax+") and path not in written:
            if not place:
                place.append(tempfile.mkdtemp(prefix="review-", dir=os.environ.get("REVIEW_TEMPORARY")))
            shadow = Path(place[0]) / str(len(written))
            if ("a" in mode or "+" in mode) and Path(path).is_file():
                shadow.write_bytes(Path(path).read_bytes())
            written[path] = str(shadow)
        return original(written.get(path, file), mode, *arguments, **keywords)

    builtins.open = opened
    io.open = opened
