"""Series, CSV files and archives: what is read, and the one line that each malformed file gives."""

import csv
import io
import itertools
import math
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_core import archives, readers
from backprop_core.archives import arrays_from_bytes, numeric, read_arrays, read_weights
from backprop_core.errors import UserError
from backprop_core.readers import LARGEST_NUMBER, read_csv, read_series
from tests.garbage.archives import zipped

numbers = st.floats(-LARGEST_NUMBER, LARGEST_NUMBER)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).map(str.strip)
garbage = st.binary(max_size=300) | st.text(
    alphabet='0123456789.,;\t "#\r\n\x00\x85eE+-naif_', max_size=200
).map(str.encode)


def refusal(read, *arguments, **options):
    """Return the one line that a reader refuses its input with."""
    with pytest.raises(UserError) as caught:
        read(*arguments, **options)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 700
    return line


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write content to ``data`` in the current folder, and return its path."""
    monkeypatch.chdir(tmp_path)

    def write_content(content):
        path = tmp_path / "data"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path.relative_to(tmp_path)

    return write_content


class TestSeries:
    @pytest.mark.parametrize(
        "text",
        [
            "1\n2.5\n-3e2\n",
            "1\n2.5\n-3e2",
            "1, 2.5, -3e2",
            "1 2.5\t-3e2",
            "1,2.5,\n-3e2",
            "\ufeff1\r\n2.5\r\n\r\n-3e2\r\n",
            "1\r2.5\r-3e2\r",
            "# readings\n1 # first\n\n2.5,# 7\n  -3e2",
        ],
    )
    def test_lines_commas_blanks_and_comments(self, write, text):
        assert read_series(write(text)).tolist() == [1.0, 2.5, -300.0]

    @given(
        st.lists(st.tuples(numbers, st.sampled_from(["\n", ",", " ", ", ", "\r\n", " # x\n"])), min_size=1)
    )
    def test_what_is_written_is_read(self, tmp_path_factory, pairs):
        path = tmp_path_factory.mktemp("series") / "data"
        path.write_bytes("".join(repr(value) + end for value, end in pairs).encode())
        assert read_series(path).tolist() == [value for value, _ in pairs]

    @pytest.mark.parametrize(
        ("text", "place", "reason"),
        [
            ("", "data", "holds no numbers"),
            ("# nothing\n\n", "data", "holds no numbers"),
            ("value\n1\n2", "data, line 1", "'value' is not a number"),
            ("1\n2\nthree", "data, line 3", "'three' is not a number"),
            ("1;2", "data, line 1", "'1;2' is not a number"),
            ("1\n\n2,,3", "data, line 3", "nothing before a comma"),
            ("1\n,2", "data, line 2", "nothing before a comma"),
            ("1\nnan", "data, line 2", "'nan' is not finite"),
            ("1 -inf", "data, line 1", "'-inf' is not finite"),
            ("1e999", "data, line 1", "'1e999' is not finite"),
            ("1e200", "data, line 1", "'1e200' is too large"),
            ("1_000", "data, line 1", "'1_000' is not a number"),
            ("1\n\x1b[31m2", "data, line 2", r"'\x1b[31m2' is not a number"),
            ("1\n" + "9x" * 10_000, "data, line 2", "'" + "9x" * 20 + "' is not a number"),
            ("1\n2\0", "data, line 2", "NUL"),
            (b"1\n2\xff\n3", "data, line 2", "is not UTF-8"),
            ("1\n2".encode("utf-16"), "data, line 1", "UTF-8"),
        ],
    )
    def test_each_malformed_series_is_refused_in_one_line_that_names_the_place(
        self, write, text, place, reason
    ):
        line = refusal(read_series, write(text))
        assert line.startswith(f"{place}: ")
        assert reason in line


class TestCsv:
    @pytest.mark.parametrize(
        "text",
        [
            "a,b,c\n1,2,3\n4,5,6\n",
            "a;b;c\n1;2;3\n4;5;6",
            "a\tb\tc\r\n1\t2\t3\r\n4\t5\t6\r\n",
            "\ufeffa,b,c\r\n1,2,3\r\n4,5,6\r\n",
            "a,b,c\r1,2,3\r4,5,6\r",
            ' a , "b",c\n 1 ," 2","3"\n\n   \n4,5,6\n\n',
            "\n\na,b,c\n1,2,3\n4,5,6",
        ],
    )
    def test_delimiters_line_ends_quotes_and_blank_lines(self, write, text):
        table = read_csv(write(text), ["b"], labels=False)
        assert table.features == ("a", "c")
        assert table.x.tolist() == [[1, 3], [4, 6]]
        assert table.y.tolist() == [[2], [5]]

    def test_targets_stand_in_the_order_they_are_named_in(self, write):
        table = read_csv(write("a,b,c\n1,2,3\n4,5,6\n"), ["c", " a "], labels=False)
        assert table.features == ("b",)
        assert table.y.tolist() == [[3, 1], [6, 4]]

    def test_a_delimiter_in_quotes_is_a_part_of_the_name(self, write):
        table = read_csv(write('"x, y, z";t\n1;2\n'), ["t"], labels=False)
        assert table.features == ("x, y, z",)

    def test_labels_are_words_unless_all_are_numbers(self, write):
        words = read_csv(write('x,kind\n1,cat\n2,"a ""dog"""\n3,7\n'), ["kind"], labels=True)
        assert words.y == ["cat", 'a "dog"', "7"]
        assert words.x.tolist() == [[1], [2], [3]]
        whole = read_csv(write("x,kind\n1,7\n2,7.0\n3,-1\n"), ["kind"], labels=True)
        assert whole.y.tolist() == [[7], [7], [-1]]

    @given(
        st.lists(names.filter(bool), min_size=2, max_size=5, unique=True).filter(
            lambda header: not all(map(readers._is_number, header))
        ),
        st.data(),
        st.sampled_from(",;\t"),
        st.sampled_from(["\n", "\r\n"]),
    )
    def test_what_is_written_is_read(self, tmp_path_factory, header, data, delimiter, end):
        rows = data.draw(
            st.lists(st.lists(numbers, min_size=len(header), max_size=len(header)), min_size=1, max_size=5)
        )
        path = tmp_path_factory.mktemp("csv") / "data"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
            writer.writerows([header, *rows])
        table = read_csv(path, header[-1:], labels=False)
        assert table.features == tuple(header[:-1])
        assert np.column_stack([table.x, table.y]).tolist() == rows

    @pytest.mark.parametrize(
        ("text", "place", "reason"),
        [
            ("", "data", "is empty"),
            ("\n  \n", "data", "is empty"),
            ("x,y\n", "data", "has a header and no rows"),
            ("1,2\n3,4\n", "data, line 1", "holds only numbers; the first line must name the columns"),
            ("x y\n1 2\n", "data, line 1", "has one column, 'x y'; separate columns by commas"),
            ("x,,y\n1,2,3\n", "data, line 1", "column 2 has no name"),
            ("x,x,y\n1,2,3\n", "data, line 1", "two columns are called 'x'"),
            ("\nx,x ,y\n1,2,3\n", "data, line 2", "two columns are called 'x'"),
            ("x,yy\n1,2\n", "data", "no column 'y'; did you mean 'yy'?"),
            ("a,b\n1,2\n", "data", "no column 'y'; known: a, b"),
            ("x,y\n1,2\n3\n", "data, line 3", "has 1 cells; the header has 2"),
            ("x,y\n1,2,3\n", "data, line 2", "has 3 cells; the header has 2"),
            ("x,y\n1,2\n,4\n", "data, line 3, column 'x'", "is empty"),
            ("x,y\n1,2\n,\n", "data, line 3, column 'x'", "is empty"),
            ("x,y\n1, \n", "data, line 2, column 'y'", "is empty"),
            ("x,y\n1,2\n\n\nfour,4\n", "data, line 5, column 'x'", "'four' is not a number"),
            ("x,y\n1,cat\n", "data, line 2, column 'y'", "'cat' is not a number"),
            (
                "x;y\n1;2,5\n",
                "data, line 2, column 'y'",
                "'2,5' is not a number; every value must be one, with a",
            ),
            ("x,y\n1,NaN\n", "data, line 2, column 'y'", "'NaN' is not finite"),
            ("x,y\n-Infinity,2\n", "data, line 2, column 'x'", "'-Infinity' is not finite"),
            ("x,y\n1e151,2\n", "data, line 2, column 'x'", "'1e151' is too large"),
            ('x,y\n"1\n",2\n1,"2\n3"\n', "data, line 4, column 'y'", r"'2\n3' is not a number"),
            ('x,y\n1,2\n"3,4\n5,6\n', "data, line 3", "quotation mark is opened and not closed"),
            ('x,y\n1,2\n"3"4,5\n', "data, line 3", "text follows a closing quotation mark"),
            ("x,y\n1,2\r3,4\n", "data, line 2", "is not CSV"),
            ("x\x1b[2J,y\na,2\n", r"data, line 2, column 'x\x1b[2J'", "'a' is not a number"),
            ("x,y\n1,\0\n", "data, line 2", "NUL"),
            (b"x,y\n1,\xe4\n", "data, line 2", "is not UTF-8"),
            ("x,y\n1,2\n".encode("utf-16"), "data, line 1", "UTF-8"),
            ("x,y\n1," + '"' + "a" * 200_000 + '"', "data, line 2", "quotation mark"),
        ],
    )
    def test_each_malformed_file_is_refused_in_one_line_that_names_the_place(
        self, write, text, place, reason
    ):
        line = refusal(read_csv, write(text), ["y"], labels=False)
        assert line.startswith(f"{place}: ")
        assert reason in line

    @pytest.mark.parametrize(
        ("targets", "reason"),
        [
            ([], "no target is named"),
            (["y", "y"], "target 'y' is named twice"),
            (["x", "y"], "every column is a target"),
            (["X\x07"], r"no column 'X\x07'"),
        ],
    )
    def test_impossible_targets_are_refused(self, write, targets, reason):
        assert reason in refusal(read_csv, write("x,y\n1,2\n"), targets, labels=False)

    @pytest.mark.parametrize(
        ("text", "place", "reason"),
        [
            ("x,y\n1,cat\n2,\n", "data, line 3, column 'y'", "is empty; every row must name a class"),
            ("x,y\n1,0\n2,nan\n", "data, line 3, column 'y'", "'nan' is not finite"),
            ("x,y\n1,0\n2,0\n3,inf\n4,inf\n", "data, line 4, column 'y'", "'inf' is not finite"),
        ],
    )
    def test_labels_that_name_no_class_are_refused(self, write, text, place, reason):
        line = refusal(read_csv, write(text), ["y"], labels=True)
        assert line.startswith(f"{place}: ")
        assert reason in line


class TestPlaces:
    """What is no readable regular file, for every reader."""

    @pytest.fixture(params=["series", "csv", "npz"])
    def read(self, request):
        def read_as_csv(path):
            return read_csv(path, ["y"], labels=False)

        return {"series": read_series, "csv": read_as_csv, "npz": read_arrays}[request.param]

    def test_a_missing_file(self, read, tmp_path):
        line = refusal(read, tmp_path / "nothing\n")
        assert r"nothing\n: cannot be read: No such file" in line

    def test_a_directory(self, read, tmp_path):
        assert "is a directory" in refusal(read, tmp_path)

    def test_a_pipe_without_a_writer_does_not_block(self, read, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        assert "not a regular file" in refusal(read, tmp_path / "pipe")

    @pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
    def test_a_device(self, read, device):
        assert "not a regular file" in refusal(read, Path(device))

    def test_a_name_that_no_file_can_have(self, read, tmp_path):
        assert "is not a file's name" in refusal(read, tmp_path / "a\0b")

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
    def test_no_permission(self, read, tmp_path):
        path = tmp_path / "secret"
        path.write_text("1")
        path.chmod(0)
        assert "Permission denied" in refusal(read, path)

    def test_a_file_over_the_limit_is_refused_unread(self, read, tmp_path):
        path = tmp_path / "huge"
        with path.open("wb") as file:
            file.truncate(readers.LARGEST_FILE + 1)
        assert f"has {readers.LARGEST_FILE + 1} bytes" in refusal(read, path)

    @given(garbage)
    def test_garbage_gives_numbers_or_one_line(self, tmp_path_factory, content):
        path = tmp_path_factory.mktemp("garbage") / "data"
        path.write_bytes(content)
        for read in (read_series, lambda path: read_csv(path, ["y"], labels=True), read_arrays):
            try:
                read(path)
            except UserError as error:
                assert str(error).isprintable()

    @given(st.text(alphabet='0123456789.,;\t "#\r\n\x85eE+-naif_xy', max_size=200))
    def test_garbage_below_a_header_gives_finite_numbers_or_one_line(self, tmp_path_factory, text):
        path = tmp_path_factory.mktemp("garbage") / "data"
        path.write_bytes(b"x,y\n" + text.encode())
        try:
            table = read_csv(path, ["y"], labels=True)
        except UserError as error:
            assert str(error).isprintable()
        else:
            assert np.isfinite(table.x).all()
            assert len(table.x) == len(table.y) > 0


def saved(**arrays):
    """Return an NPZ file's content."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def archive(members, compression=zipfile.ZIP_DEFLATED):
    """Return a ZIP file of these (name, content) pairs, the same bytes whenever it is called."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members:
            member = zipfile.ZipInfo(name)
            member.compress_type = compression
            file.writestr(member, content)
    return buffer.getvalue()


def npy(shape, descr="<f8", data=b"", header=None):
    """Return an NPY file's content that claims this shape and type."""
    text = header or f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data


class TestArchives:
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", ["f8", ">f8", "f4", "f2", "i8", ">i4", "u1", "?"])
    def test_every_real_type_and_order_is_read(self, tmp_path, save, order, dtype):
        X = np.asarray(np.arange(12).reshape(4, 3) % 5, dtype, order)
        save(tmp_path / "data.npz", X=X, y=X[:, 0], empty=X[:0], number=X[1, 1])
        read = read_arrays(tmp_path / "data.npz")
        assert set(read) == {"X", "y", "empty", "number"}
        assert read["X"].dtype == X.dtype
        assert np.array_equal(read["X"], X)
        assert np.array_equal(read["y"], X[:, 0])
        assert read["empty"].shape == (0, 3)
        assert read["number"] == X[1, 1]

    def test_only_the_arrays_that_are_asked_for_are_looked_at(self):
        content = saved(X=np.ones(2), note=np.array(["text", None], dtype=object))
        assert list(arrays_from_bytes(content, "data", ["X"])) == ["X"]

    @given(st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=6))
    def test_what_is_written_is_read(self, rows):
        assert arrays_from_bytes(saved(X=np.array(rows)), "data")["X"].tolist() == rows

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "data: is not a whole NPZ file"),
            (b"1,2\n3,4\n", "data: is not a whole NPZ file"),
            (npy((2,), data=bytes(16)), "data: is not a whole NPZ file"),
            (pickle.dumps({"X": [1]}), "data: is not a whole NPZ file"),
            (saved(X=np.array([1, None], dtype=object)), "array 'X': holds Python objects"),
            (saved(X=np.array([1j])), "array 'X': holds complex numbers"),
            (saved(X=np.array(["1"])), "array 'X': holds text"),
            (saved(X=np.array([b"1"])), "array 'X': holds bytes"),
            (saved(X=np.zeros(2, "f8,i4")), "array 'X': holds records"),
            (saved(X=np.zeros(2, "M8[s]")), "array 'X': holds datetime64[s]"),
            (archive([("X.npy", b"")]), "array 'X': is no array"),
            (archive([("X.npy", b"1,2,3")]), "array 'X': is no array"),
            (archive([("X.npy", pickle.dumps([1, 2]))]), "array 'X': is no array"),
            (archive([("X.npy", npy((10**6, 10**6), data=bytes(64)))]), "does not fit its 64 bytes"),
            (archive([("X.npy", npy((10**30, 0)))]), "array 'X': is no array"),
            (archive([("X.npy", npy((3,), data=bytes(16)))]), "its shape (3,) does not fit its 16 bytes"),
            (archive([("X.npy", npy((1,), data=bytes(16)))]), "its shape (1,) does not fit its 16 bytes"),
            (archive([("X.npy", npy((-1, -2), data=bytes(16)))]), "shape (-1, -2) does not fit"),
            (archive([("X.npy", npy((1,) * 70, data=bytes(8)))]), "array 'X': is no array"),
            (archive([("X.npy", npy((2,), "<f9", bytes(16)))]), "array 'X': is no array"),
            (archive([("X.npy", npy((), [("a",)]))]), "array 'X': is no array"),
            (archive([("X.npy", npy((), header="(" * 9000))]), "array 'X': is no array"),
            (archive([("X.npy", npy((), header="-" * 9000 + "1"))]), "array 'X': is no array"),
            (archive([("X.npy", npy((), header="'''"))]), "array 'X': is no array"),
            (archive([("X.npy", npy((), header="{'shape': (), 'descr': '<f8'}"))]), "array 'X': is no array"),
            (
                archive([("X.npy", npy((1,), data=bytes(8)))], zipfile.ZIP_LZMA),
                "compressed in an unknown way",
            ),
            (archive([("a\x1b[2J.npy", b"")]), r"array 'a\x1b[2J': is no array"),
        ],
        ids=itertools.count(),
    )
    def test_each_malformed_archive_is_refused_in_one_line(self, content, reason):
        line = refusal(arrays_from_bytes, content, "data")
        assert line.startswith("data")
        assert reason in line

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_an_array_that_is_there_twice_is_refused(self):
        member = ("X.npy", npy((1,), data=bytes(8)))
        assert "array 'X': is there twice" in refusal(arrays_from_bytes, archive([member, member]), "data")

    @pytest.mark.parametrize(
        ("descr", "read"),
        [(b"'descr': '<f8', 'fortran_order': False, 'shape': (2L,), ", True), (b"'\\o': 0, ", False)],
        ids=["written by Python 2", "with an escape that is none"],
    )
    def test_no_warning_of_numpy_or_python_is_shown(self, descr, read, recwarn):
        header = b"{" + descr + b"}"
        npy = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + np.ones(2).tobytes()
        content = zipped(("X.npy", npy))
        if read:
            assert arrays_from_bytes(content, "data.npz")["X"].tolist() == [1, 1]
        else:
            assert "array 'X': is no array" in refusal(arrays_from_bytes, content, "data.npz")
        assert [str(warning.message) for warning in recwarn] == []

    def test_what_unpacks_to_more_than_the_limit_is_refused_over_all_arrays_together(self, monkeypatch):
        monkeypatch.setattr(archives, "LARGEST_FILE", 10_000)
        content = archive([(f"{name}.npy", npy((600,), data=bytes(4800))) for name in "abc"])
        assert len(content) < 1000
        assert "array 'c': is too large" in refusal(arrays_from_bytes, content, "data")

    def test_a_directory_that_understates_a_size_is_found_out(self):
        content = archive([("X.npy", npy((600,), data=bytes(4800)))])
        size = len(npy((600,)))
        understated = content.replace((4800 + size).to_bytes(4, "little"), (size + 8).to_bytes(4, "little"))
        assert understated != content
        assert refusal(arrays_from_bytes, understated, "data").startswith("data")

    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
    def test_a_truncated_archive_is_refused(self, kept):
        content = saved(X=np.ones((20, 3)), y=np.ones(20))
        assert "is not a whole NPZ file" in refusal(
            arrays_from_bytes, content[: int(kept * len(content))], "data"
        )

    @given(
        st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4), st.booleans()
    )
    def test_changed_bytes_give_arrays_or_one_line(self, changes, compressed):
        buffer = io.BytesIO()
        (np.savez_compressed if compressed else np.savez)(buffer, X=np.ones((2, 2)), y=np.ones(2))
        content = bytearray(buffer.getvalue())
        for place, value in changes:
            content[place % len(content)] = value
        try:
            arrays_from_bytes(bytes(content), "data")
        except UserError as error:
            assert str(error).isprintable()

    @given(st.text(alphabet="{}()[]'\"descrfotan_shape:,<f8OV0123456789 TrueFalseL-", max_size=120))
    def test_garbled_headers_give_arrays_or_one_line(self, header):
        for text in (header, f"{{'descr': {header}, 'fortran_order': False, 'shape': (1,)}}"):
            try:
                arrays_from_bytes(archive([("X.npy", npy((), header=text, data=bytes(8)))]), "data")
            except UserError as error:
                assert str(error).isprintable()


class TestNumeric:
    def test_a_copy_that_can_be_written_to(self):
        values = arrays_from_bytes(saved(X=np.ones((2, 2))), "data")["X"]
        converted = numeric(values, "data")
        converted[0, 0] = 7.0
        assert values[0, 0] == 1.0

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e151])
    def test_numbers_out_of_bounds_are_refused_with_their_index(self, value):
        values = np.zeros((3, 2))
        values[2, 1] = value
        assert refusal(numeric, values, "data").startswith(f"data: holds {value:g} at index 2, 1;")

    def test_weights_are_read_by_name(self, tmp_path):
        np.savez(tmp_path / "w.npz", W1=np.ones((2, 1), np.float32), b1=np.zeros(1))
        weights = read_weights(tmp_path / "w.npz")
        assert {name: values.dtype for name, values in weights.items()} == {
            "W1": np.float64,
            "b1": np.float64,
        }
        np.savez(tmp_path / "w.npz", W1=np.array([math.nan]))
        assert "array 'W1': holds nan at index 0" in refusal(read_weights, tmp_path / "w.npz")
