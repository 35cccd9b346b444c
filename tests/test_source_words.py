"The quick reader of Python files says to the byte what the standard library's says."

import asyncio
import json
import random
import tokenize
from pathlib import Path

import pytest

import adaroute
from adaroute.provenance.source_words import _read_quickly, _read_slowly, read_source_words

FOLDERS = [Path(module.__file__).parent for module in (adaroute, asyncio, json)]
FILES = [path for folder in FOLDERS for path in folder.rglob("*.py")]
ODD = {
    "a backslash": "a = 1 + \\\n  2\n",
    "a tab": "if a:\n\tb = 1\n",
    "a form feed": "a = 1\n\f\nb = 2\n",
    "no end of the last line": "a = 1",
    "ends of other systems": "a = 1\r\nb = 2\r\n",
    "one such end, behind a comment": "a = 1  # one\r\nb = 2\n",
    "nothing": "",
    "blank lines alone": "\n\n",
    "a comment alone": "# one\n",
    "an indented comment at the end": "if a:\n    b\n    # one\n",
    "blanks at the end": "if a:\n    b\n   \n",
    "a comment further out": "if a:\n    b\n# one\n    c\n",
    "two steps out": "if a:\n  if b:\n    c\nd\n",
    "strings over lines": "a = '''one\n  # two\n'''  # three\nb = \"\"\"x'''y\"\"\"\n",
    "prefixes": "a = rb'\\'' + Rb\"x\" + f'{a!r}' + u'' + ''\n",
    "no prefix": "if a in'b': c = a if b else'd'\n",
    "numbers": "a = [1_000, 0xFf, 0b1, 1., .5, 1e-5, 2.5E+3j, 0o7, 1if a else 2, 1..real]\n",
    "signs": "a = b->c; d := e; f **= g // h; i != j; k @ l; ...; m >>= n\n",
    "other alphabets": "größe = 'ä' + ñandú + 变量  # ключ\n",
    "brackets over lines": "f(a,  # one\n\n   b)[\n0\n]\nc\n",
    "a line's end in a string": "a = 'one\\\n two'\nb\n",
    "only spaces before": "  a = 1\n",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_sources(name):
    source = ODD[name].encode()
    assert read_source_words(source) == _read_slowly(source)


def test_files_of_the_package_and_of_python():
    assert len(FILES) > 200
    quick = 0
    for path in FILES:
        source = path.read_bytes()
        wanted, found = _read_slowly(source), _read_quickly(source.decode())
        assert read_source_words(source) == wanted and found in (None, wanted), path.name
        quick += found is not None
    assert quick > 0.8 * len(FILES), "most files have nothing that only tokenize knows"


def test_pieces_in_any_order():
    "What both take for Python they read alike; what one refuses, the other does not take."
    draw, pieces = (
        random.Random(0),
        "a if ( ) [ ] : , = 1 .5 'b' \"c\" \n \n  # # \\ ''' f' $ \t".split(" "),
    )
    read = 0
    for _ in range(3000):
        source = "".join(draw.choices([*pieces, " ", "\n", "\n    "], k=draw.randint(1, 12))) + "\n"
        try:
            wanted = _read_slowly(source.encode())
        except (tokenize.TokenError, IndentationError) as error:
            with pytest.raises(type(error)):
                read_source_words(source.encode())
        else:
            read += 1
            assert read_source_words(source.encode()) == wanted, source
    assert read > 500


@pytest.mark.parametrize("cookie", (b"# coding: latin-1\na = '\xe4'\n", b"\xef\xbb\xbfa = 1\n"))
def test_other_encodings_are_left_to_tokenize(cookie):
    assert read_source_words(cookie) == _read_slowly(cookie)


@pytest.mark.parametrize("hidden", ("a = 1  # b\ra = 2\n", "a = 1\n# b\ra = 2\n", "a = 1\ra = 2\n"))
def test_nothing_hides_behind_a_carriage_return(hidden):
    "Python ends a line there, so what follows runs, and is told."
    space = {}
    exec(compile(hidden.encode(), "hidden", "exec"), space)
    assert space["a"] == 2
    assert read_source_words(hidden.encode()) == read_source_words(b"a = 1\na = 2\n")
    assert read_source_words(hidden.encode()) != read_source_words(b"a = 1\n")
