"""Series that are none: the file's content, and what the error has to name."""

from __future__ import annotations

from tests.garbage.cases import Case

GOOD = b"\n".join(b"%d" % (value % 7) for value in range(40)) + b"\n"
FILE = "readings.txt"


def series(name: str, content: bytes, *named: str, window: str = "3") -> Case:
    return Case(f"series-{name}", ["--series", FILE, "--window", window], (FILE, *named), {FILE: content})


CASES = [
    series("empty", b"", "no numbers"),
    series("blank lines", b"\n\n  \n\t\n", "no numbers"),
    series("comments only", b"# one\n# two\n", "no numbers"),
    series("byte order mark only", b"\xef\xbb\xbf", "no numbers"),
    series("binary", bytes(range(256)), "line 1", "NUL"),
    series("nul within", GOOD + b"1\x002\n", "line 41", "NUL"),
    series("utf-16", GOOD.decode().encode("utf-16"), "line 1"),
    series("utf-16 without mark", GOOD.decode().encode("utf-16-le"), "line 1", "NUL"),
    series("utf-32", GOOD.decode().encode("utf-32"), "line 1"),
    series("latin-1", GOOD + b"5\xb0\n", "line 41", "UTF-8"),
    series("cut within a character", GOOD + b"\xe2\x82", "line 41", "UTF-8"),
    series("surrogates", GOOD + b"\xed\xa0\x80\n", "line 41", "UTF-8"),
    series("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "line 1"),
    series("zip", b"PK\x03\x04\x14\0\0\0", "line 1"),
    series("gzip", b"\x1f\x8b\x08\0", "line 1"),
    series("text", b"one two three\n", "line 1", "'one'", "not a number"),
    series("text in the middle", GOOD + b"1\nn/a\n2\n", "line 42", "'n/a'"),
    series("decimal commas", b"1,5;2,5;3,5\n", "line 1"),
    series("nan", GOOD + b"nan\n", "line 41", "finite"),
    series("inf", GOOD + b"-inf\n", "line 41", "finite"),
    series("Infinity", GOOD + b"Infinity\n", "line 41", "finite"),
    series("overflow", GOOD + b"1e999\n", "line 41", "finite"),
    series("too large to square", GOOD + b"1e200\n", "line 41", "too large"),
    series("hexadecimal", GOOD + b"0x10\n", "line 41", "'0x10'"),
    series("underscores", GOOD + b"1_000\n", "line 41", "'1_000'"),
    series("two commas", GOOD + b"1,,2\n", "line 41", "comma"),
    series("leading comma", b",1,2,3\n", "line 1", "comma"),
    series("units", GOOD + b"5 km\n", "line 41", "'km'"),
    series("percent", GOOD + b"50%\n", "line 41", "'50%'"),
    series("fraction", GOOD + b"1/2\n", "line 41", "'1/2'"),
    series("complex", GOOD + b"1+2j\n", "line 41", "'1+2j'"),
    series("minus sign of typography", GOOD + "\u22125\n".encode(), "line 41"),
    series("escape sequence", GOOD + b"\x1b[2J\n", "line 41", "\\x1b"),
    series("title sequence", GOOD + b"\x1b]0;gone\x07\n", "line 41", "\\x1b"),
    series("markup", GOOD + b"[red]1[/]\n", "line 41", "[red]"),
    series("bidi", GOOD + "\u202e1\n".encode(), "line 41", "\\u202e"),
    series("zero width", GOOD + "1\u200b\n".encode(), "line 41", "\\u200b"),
    series("csv header", b"time,value\n1,2\n", "line 1", "'time'"),
    series("json", b"[1, 2, 3]\n", "line 1", "'[1'"),
    series("a very long line", b"x" * 1_000_000, "line 1", "not a number"),
    series("window as long as the series", b"1 2 3\n", "window of 3", "at least 4"),
    series("window longer than the series", GOOD, "window of 41", window="41"),
    series("window much longer", GOOD, "window of 9007199254740992", window="9007199254740992"),
    Case("series-window missing", ["--series", FILE], ("--window",), {FILE: GOOD}),
    Case("series-window 0", ["--series", FILE, "--window", "0"], ("--window", "1 or more"), {FILE: GOOD}),
    Case("series-window negative", ["--series", FILE, "--window=-3"], ("--window",), {FILE: GOOD}),
    Case("series-window text", ["--series", FILE, "--window", "wide"], ("--window", "'wide'"), {FILE: GOOD}),
    Case("series-window 2.5", ["--series", FILE, "--window", "2.5"], ("--window", "whole"), {FILE: GOOD}),
    Case("series-window 2**70", ["--series", FILE, "--window", str(2**70)], ("--window",), {FILE: GOOD}),
]
