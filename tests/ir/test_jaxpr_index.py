"""The jaxpr index: paths as a tree, odd input kept out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.ir import index_jaxpr, parent_path

TEXT = "{ lambda ; a:f32[4]. let\n    b:f32[4] = sin a\n    c:f32[4] = scan[...] b\n  in (c,) }\n"
EQUATIONS = [
    {
        "path": "0",
        "primitive": "sin",
        "outputs": ["f32[4]"],
        "inputs": ["f32[4]"],
        "file": "/t.py",
        "line": 3,
        "text_line": 2,
    },
    {
        "path": "1",
        "primitive": "while",
        "outputs": ["f32[4]"],
        "inputs": ["f32[4]"],
        "file": "/t.py",
        "line": 4,
        "text_line": 3,
    },
    {
        "path": "1.b0.0",
        "primitive": "lt",
        "outputs": ["bool[]"],
        "inputs": [],
        "file": None,
        "line": None,
        "text_line": None,
    },
    {"path": "1.b1.0", "primitive": "scan", "outputs": [], "inputs": [], "file": "/t.py", "line": 4, "text_line": 3},
    {"path": "1.b1.0.2", "primitive": "exp", "outputs": [], "inputs": [], "file": "/t.py", "line": 5, "text_line": 3},
]


@pytest.mark.parametrize("given_as", [EQUATIONS, json.dumps(EQUATIONS), json.dumps(EQUATIONS).encode()])
def test_tree_of_paths(given_as):
    index = index_jaxpr(TEXT, given_as)
    assert [own.path for own in index.equations] == [entry["path"] for entry in EQUATIONS]
    assert [own.path for own in index.roots] == ["0", "1"]
    assert index.by_path["1"].children == ("1.b0.0", "1.b1.0")
    assert index.ancestors("1.b1.0.2") == ("1.b1.0", "1") and index.ancestors("nowhere") == ()
    assert [own.primitive for own in index.by_text_line[3]] == ["while", "scan", "exp"]
    assert [own.path for own in index.at_source("/t.py", 4)] == ["1", "1.b0.0", "1.b1.0"]
    # What has no line of its own has that of the equation around it.
    assert (index.by_path["1.b0.0"].file, index.by_path["1.b0.0"].line) == ("/t.py", 4)
    # Equation 1.b1.0 is there, so nothing lacks a parent.
    assert index.problems == ()


def test_without_a_frame_of_the_user_the_place_is_that_of_the_equation_around():
    entries = [
        {"path": "0", "primitive": "jit", "file": "/t.py", "line": 7, "function": "f"},
        {"path": "0.0", "primitive": "jit"},
        {"path": "0.0.3", "primitive": "div"},
        {"path": "0.0.4", "primitive": "sin", "file": "/u.py", "line": 2},
        {"path": "1", "primitive": "add"},
    ]
    places = [(own.file, own.line, own.function) for own in index_jaxpr("", entries).equations]
    assert places == [("/t.py", 7, "f")] * 3 + [("/u.py", 2, None), (None, None, None)]


@pytest.mark.parametrize(("path", "parent"), [("4", None), ("4.0", "4"), ("4.b1.0", "4"), ("4.b1.0.3", "4.b1.0")])
def test_parents(path, parent):
    assert parent_path(path) == parent


def test_odd_entries_are_listed():
    entries = [
        *EQUATIONS[:1],
        {"path": "x", "primitive": "sin"},
        7,
        {"path": "0", "primitive": "cos"},
        {"path": "9.0", "primitive": "add"},
    ]
    index = index_jaxpr(TEXT, entries)
    assert [own.path for own in index.equations] == ["0", "9.0"]
    assert [problem.reason for problem in index.problems] == [
        "no path or no primitive",
        "no path or no primitive",
        "a second equation of this path",
        "its parent 9 is missing",
    ]


@pytest.mark.parametrize("broken", ["", "{", "{}", "3", "null", b"\xff", "[" * 100_000])
def test_what_is_no_list_of_equations(broken):
    index = index_jaxpr(TEXT, broken)
    assert index.equations == () and index.problems and index.text == TEXT


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["0", "1.0", "path", "sin"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["path", "primitive", "inputs", "outputs", "line", "text_line"]), inner)
    ),
)


@given(_JSON)
def test_any_json(value):
    index = index_jaxpr("", json.dumps(value))
    assert all(own.parent is None or own.parent == parent_path(own.path) for own in index.equations)
