"""NPZ files that are none, that lie, or that would do harm."""

from __future__ import annotations

import io
import os
import pickle
import struct
import warnings
import zipfile

import numpy as np

from tests.garbage.cases import Case

FILE = "data.npz"
X, Y = np.arange(20.0).reshape(10, 2), np.arange(10.0)


def saved(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def compressed(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        # The module warns of names that are there twice, which is what some cases are about.
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """Return an NPY file with any header."""
    text = header.encode("latin-1")
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + version + length + text + data


def described(shape: str, descr: str = "'<f8'", fortran: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


def plain(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


class Evil:
    """Would leave a file where it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch executed",)


def archive(name: str, content: bytes, *named: str, more: tuple[str, ...] = ()) -> Case:
    return Case(f"npz-{name}", ["--npz", FILE, *more], (FILE, *named), {FILE: content})


def lying(array: str, header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """Return an archive of which one array has any header."""
    other = ("y.npy", plain(Y)) if array == "X" else ("X.npy", plain(X))
    return zipped((f"{array}.npy", npy(header, data, version)), other)


GOOD = saved(X=X, y=Y)
BROKEN_SUM = bytearray(GOOD)
BROKEN_SUM[GOOD.index(X.tobytes())] ^= 0xFF
ENCRYPTED = bytearray(GOOD)
ENCRYPTED[6] |= 1
ENCRYPTED[GOOD.index(b"PK\x01\x02") + 8] |= 1
HUGE = "(1000000000000, 2)"

CASES = [
    archive("empty", b"", "not a whole NPZ"),
    archive("text", b"1,2,3\n", "not a whole NPZ"),
    archive("one array without an archive", plain(X), "not a whole NPZ"),
    archive("pickle without an archive", pickle.dumps(Evil()), "not a whole NPZ"),
    archive("html", b"<!DOCTYPE html><html>not found</html>", "not a whole NPZ"),
    archive("gzip", b"\x1f\x8b\x08\0\0\0\0\0", "not a whole NPZ"),
    archive("empty archive", zipped(), "X"),
    archive("archive of something else", zipped(("word/document.xml", b"<xml/>")), "X"),
    *(
        archive(f"cut after {share} %", GOOD[: len(GOOD) * share // 100], "not a whole NPZ")
        for share in (1, 20, 50, 80, 99)
    ),
    archive("beginning cut off", GOOD[30:]),
    archive("sum wrong", bytes(BROKEN_SUM), "not a whole NPZ"),
    archive("encrypted", bytes(ENCRYPTED), "not a whole NPZ"),
    archive("unknown compression", zipped(("X.npy", plain(X)), method=zipfile.ZIP_LZMA), "'X'", "compressed"),
    archive("bzip2", zipped(("X.npy", plain(X)), method=zipfile.ZIP_BZIP2), "'X'", "compressed"),
    archive("X missing", saved(y=Y), "'X'"),
    archive("y missing", saved(X=X), "'y'"),
    archive("other letters", saved(x=X, Y=Y), "'X'"),
    archive("X twice", zipped(("X.npy", plain(X)), ("X.npy", plain(X))), "'X'", "twice"),
    archive("pickled X", saved(X=np.array([Evil()], dtype=object), y=Y), "'X'", "Python objects"),
    archive("pickled y", saved(X=X, y=np.array([Evil()] * 10, dtype=object)), "'y'", "Python objects"),
    archive("pickle named npy", zipped(("X.npy", pickle.dumps(Evil())), ("y.npy", plain(Y))), "'X'"),
    archive("text in X", saved(X=np.full((10, 2), "a"), y=Y), "'X'", "text"),
    archive("bytes in X", saved(X=np.full((10, 2), b"a"), y=Y), "'X'", "bytes"),
    archive("complex X", saved(X=X + 1j, y=Y), "'X'", "complex"),
    archive("dates in y", saved(X=X, y=np.arange(10).astype("datetime64[D]")), "'y'"),
    archive("records", saved(X=np.zeros(10, [("a", float)]), y=Y), "'X'", "records"),
    archive("nan", saved(X=np.where(X == 3, np.nan, X), y=Y), "'X'", "nan at index 1, 1"),
    archive("inf in y", saved(X=X, y=np.where(Y == 3, np.inf, Y)), "'y'", "inf at index 3"),
    archive("too large", saved(X=X * 1e200, y=Y), "'X'"),
    archive("X of one axis", saved(X=Y, y=Y), "'X'", "(samples, features)"),
    archive("X of three axes", saved(X=np.zeros((10, 2, 2)), y=Y), "'X'", "(10, 2, 2)"),
    archive("X of none", saved(X=np.float64(1), y=Y), "'X'"),
    archive("no samples", saved(X=X[:0], y=Y[:0]), "'X'", "(0, 2)"),
    archive("no features", saved(X=X[:, :0], y=Y), "'X'", "(10, 0)"),
    archive("no outputs", saved(X=X, y=np.zeros((10, 0))), "'y'"),
    archive("lengths differ", saved(X=X, y=Y[:9]), "'y'", "(9,)", "(10,)"),
    archive("y of three axes", saved(X=X, y=np.zeros((10, 1, 1))), "'y'"),
    archive("validation without y", saved(X=X, y=Y, X_validation=X), "'y_validation'"),
    archive("validation of other columns", saved(X=X, y=Y, X_validation=X[:, :1], y_validation=Y), "columns"),
    archive(
        "validation twice",
        saved(X=X, y=Y, X_validation=X, y_validation=Y),
        "leave it out",
        more=("--validation", ".1"),
    ),
    archive("shape larger than the data", lying("X", described(HUGE), bytes(16)), "'X'", "does not fit"),
    archive("shape that overflows", lying("X", described("(4611686018427387904, 4)")), "'X'", "does not fit"),
    archive("negative shape", lying("X", described("(-1, 2)"), bytes(16)), "'X'"),
    archive("shape of text", lying("X", described("'all'")), "'X'", "no array"),
    archive("shape of a fraction", lying("X", described("(2.5, 2)")), "'X'"),
    archive("no shape", lying("X", "{'descr': '<f8', 'fortran_order': False}"), "'X'", "no array"),
    archive("header is code", lying("X", "__import__('os').system('touch executed')"), "'X'", "no array"),
    archive("header is deep", lying("X", "(" * 9000 + ")" * 9000), "'X'", "no array"),
    archive(
        "header longer than the file",
        zipped(("X.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"), ("y.npy", plain(Y))),
        "'X'",
    ),
    archive("unknown version", lying("X", described("(10, 2)"), version=b"\x09\x00"), "'X'", "no array"),
    archive("unknown type", lying("X", described("(10, 2)", "'<f77'")), "'X'", "no array"),
    archive("type of a name", lying("X", described("(10, 2)", "'os.system'")), "'X'", "no array"),
    archive("too long a name", zipped(("X" * 5000 + ".npy", plain(X))), "'X'"),
    archive(
        "two gigabytes of zeros",
        zipped(("X.npy", npy(described("(1, 1)"))), method=zipfile.ZIP_DEFLATED)[:40],
    ),
    archive("class of one", compressed(X=X, y=np.zeros(10)), "class '0'", more=("--loss", "cross-entropy")),
    archive("escape in a class of arrays", zipped(("\x1b[2J.npy", b"x"), ("X.npy", b"y")), "'X'"),
]


def bomb(path: str, unpacked: int) -> None:
    """Write an archive of a few kilobytes that unpacks to so many bytes of zeros."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("X.npy", "w", force_zip64=True) as member,
    ):
        member.write(npy(described(f"({unpacked // 8}, 1)")))
        block = bytes(1 << 20)
        for _ in range(unpacked >> 20):
            member.write(block)
