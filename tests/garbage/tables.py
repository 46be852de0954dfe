"""CSV files that are none."""

from __future__ import annotations

from tests.garbage.cases import Case

FILE = "table.csv"
ROWS = b"".join(b"%d,%d,%d\n" % (row, row % 5, row % 3) for row in range(20))
GOOD = b"a,b,c\n" + ROWS


def table(name: str, content: bytes, *named: str, target: str = "c", more: tuple[str, ...] = ()) -> Case:
    words = ["--csv", FILE, "--target", target, *more]
    return Case(f"csv-{name}", words, (FILE, *named), {FILE: content})


BINARY = ("--loss", "binary-cross-entropy")
CROSS = ("--loss", "cross-entropy")

CASES = [
    table("empty", b"", "first line must name the columns"),
    table("blank", b"\n\n\n", "first line"),
    table("header only", b"a,b,c\n", "no rows"),
    table("header without end", b"a,b,c", "no rows"),
    table("no header", ROWS, "line 1", "only numbers"),
    table("binary", bytes(range(256)) * 4, "line 1"),
    table("nul", b"a,b,c\n1,\x00,3\n", "line 2", "NUL"),
    table("utf-16", GOOD.decode().encode("utf-16"), "line 1"),
    table("latin-1", b"a,b\xe9,c\n" + ROWS, "line 1", "UTF-8"),
    table("latin-1 in a row", GOOD + b"1,2\xb0,3\n", "line 22", "UTF-8"),
    table("one column", b"c\n1\n2\n", "line 1", "one column"),
    table("wrong delimiter", b"a|b|c\n1|2|3\n", "line 1", "separate columns"),
    table("short row", GOOD + b"1,2\n", "line 22", "2 cells", "3"),
    table("long row", GOOD + b"1,2,3,4\n", "line 22", "4 cells", "3"),
    table("trailing comma", GOOD + b"1,2,3,\n", "line 22", "4 cells"),
    table("missing cell", GOOD + b"1,,3\n", "line 22", "column 'b'", "empty"),
    table("text cell", GOOD + b"1,two,3\n", "line 22", "column 'b'", "'two'"),
    table("date", GOOD + b"2024-01-01,2,3\n", "line 22", "column 'a'", "'2024-01-01'"),
    table("nan", GOOD + b"1,nan,3\n", "line 22", "column 'b'", "finite"),
    table("NaN in the target", GOOD + b"1,2,NaN\n", "line 22", "column 'c'", "finite"),
    table("inf", GOOD + b"inf,2,3\n", "line 22", "column 'a'", "finite"),
    table("too large", GOOD + b"1e300,2,3\n", "line 22", "column 'a'", "too large"),
    table("decimal comma", b"a;b;c\n1,5;2;3\n", "line 2", "column 'a'", "decimal point"),
    table("quote not closed", GOOD + b'1,"2,3\n', "line 22", "quotation"),
    table("text after a quote", GOOD + b'1,"2"x,3\n', "line 22", "quotation"),
    table("quote not closed in the header", b'a,"b,c\n' + ROWS, "line 1", "quotation"),
    table("quote of a megabyte", GOOD + b'1,"' + b"2" * 1_000_000, "line 22", "quotation"),
    table("duplicate names", b"a,a,c\n1,2,3\n", "line 1", "'a'", "differ"),
    table("duplicate names but for blanks", b"a, a ,c\n1,2,3\n", "line 1", "'a'"),
    table("name missing", b"a,,c\n1,2,3\n", "line 1", "column 2", "no name"),
    table("target missing", GOOD, "'price'", target="price"),
    table("target misspelt", b"alpha,beta,gamma\n1,2,3\n", "'gama'", "'gamma'", target="gama"),
    table("target in other letters", GOOD, "'C'", target="C"),
    table("target empty", GOOD, "''", target=""),
    table("target twice", GOOD, "'c'", "twice", target="c,c"),
    table("every column a target", GOOD, "at least one", target="a,b,c"),
    table("target with an escape", GOOD, "\\x1b[2J", target="\x1b[2J"),
    table("name with an escape", b"a,\x1b[31mb,c\n1,x,3\n", "line 2", "\\x1b[31mb"),
    table("name with bidi", "a,\u202eb,c\n1,x,3\n".encode(), "line 2", "\\u202e"),
    table("name with markup", b"a,[link=file:///]b,c\n1,x,3\n", "line 2", "[link"),
    table("cell with an escape", GOOD + b"1,\x1b]52;c;x\x07,3\n", "line 22", "\\x1b"),
    table("escape among the words of classes", b"a,c\n1,\x1b[2J\n2,\n", "line 3", "empty", more=CROSS),
    table("one class", b"a,c\n1,x\n2,x\n", "class 'x'", more=CROSS),
    table("constant target", b"a,c\n1,5\n2,5\n", "one value, '5'", more=BINARY),
    table("three classes for two", b"a,c\n1,x\n2,y\n3,z\n", "3 different", more=BINARY),
    table("class missing", b"a,c\n1,x\n2,\n", "line 3", "column 'c'", "empty", more=CROSS),
    table(
        "a class a row",
        b"a,c\n" + b"".join(b"%d,%d.5\n" % (row, row) for row in range(1200)),
        "1200 different",
        more=CROSS,
    ),
    table("probabilities above 1", b"a,b,c\n1,2,0\n3,0.5,0.5\n", "row 1", target="b,c", more=CROSS),
    table("probabilities that sum to less", b"a,b,c\n1,.2,.2\n", "row 1", "sum", target="b,c", more=CROSS),
    table("negative probability", b"a,b,c\n1,-1,0\n", "row 1", target="b,c", more=BINARY),
    Case("csv-target not named", ["--csv", FILE], ("--target",), {FILE: GOOD}),
    Case(
        "csv-validation 1",
        ["--csv", FILE, "--target", "c", "--validation", "1"],
        ("--validation",),
        {FILE: GOOD},
    ),
    Case(
        "csv-validation -1",
        ["--csv", FILE, "--target", "c", "--validation=-1"],
        ("--validation",),
        {FILE: GOOD},
    ),
    Case(
        "csv-validation nan",
        ["--csv", FILE, "--target", "c", "--validation", "nan"],
        ("--validation",),
        {FILE: GOOD},
    ),
]
