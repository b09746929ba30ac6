"""Why each program of a script was compiled again, and the line to change, for the ways in which scripts do it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from xlascope.report.as_json import dumps
from xlascope.report.text import render
from xlascope.views import Source, open_source, query
from xlascope.views.compiler.rows import Compile
from xlascope.views.compiles import Compiles

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("awkward_script.py")
LINES = SCRIPT.read_text().splitlines()
ANOTHER = "a new function object at the same line"
EXPECTED = {
    "lambda": [("first", "first call"), *[("function", f"{ANOTHER} (jit made again at {{}})")] * 2],
    "partial": [("first", "first call"), ("function", f"{ANOTHER} (jit made again at {{}})")],
    "partial values": [
        ("first", "first call of what is jitted at {}"),
        ("captured", f"{ANOTHER} with other captured values: k: 3.0 → 4.0 (jit made again at {{}})"),
    ],
    "captured": [
        ("first", "first call"),
        ("captured", f"{ANOTHER} with other captured values: k: 0.5 → 1.5 (jit made again at {{}})"),
    ],
    "default": [
        ("first", "first call"),
        ("captured", f"{ANOTHER} with other captured values: i: 5 → 6 (jit made again at {{}})"),
    ],
    "grad": [("first", "first call"), ("function", f"{ANOTHER} (jit made again at {{}})")],
    "vmap": [("first", "first call"), ("function", f"{ANOTHER} (jit made again at {{}})")],
    "helper": [("first", "first call"), ("function", f"{ANOTHER} (jit made again at {{}})")],
    "static": [("first", "first call"), ("static", "static argument cfg=0 → cfg=1")],
    "static float": [("static", "static argument cfg=1 → cfg=0.5")],
    "static object": [
        ("static", "static argument cfg=0.5 → cfg=<Config>"),
        ("static", "static argument cfg: another Config object, which is equal only to itself"),
    ],
    "static frozen": [
        ("static", "static argument cfg=<Config> → cfg=Frozen(n=1)"),
        ("static", "static argument cfg=Frozen(n=1) → cfg=Frozen(n=2)"),
    ],
    "static tuple": [("static", "static argument cfg=Frozen(n=2) → cfg=Pair(a=1, b=0.5)")],
    "static enum": [
        ("static", "static argument cfg=Pair(a=1, b=0.5) → cfg=Mode.TRAIN"),
        ("static", "static argument cfg=Mode.TRAIN → cfg=Mode.TEST"),
    ],
    "static lambda": [
        ("static", "static argument cfg=Mode.TEST → cfg=statics.<locals>.<lambda>"),
        ("static", "static argument cfg: another function object, which is equal only to itself"),
    ],
    "self": [
        ("first", "first call"),
        ("static", "static argument self: another Model object, which is equal only to itself"),
    ],
    "same object": [
        ("first", "first call"),
        *[("function", "jit made again at {} of a method: each `object.method` is a new function object to JAX's cache")]
        * 2,
    ],
    "by position": [("structure", "static argument power: by keyword → by position")],
    "shape": [("first", "first call"), ("shape", "argument batch: f32[4,3] → f32[5,3] (dimension 0)")],
    "rank": [("rank", "argument batch: f32[5,3] → f32[5,3,1]")],
    "weak": [("weak type", "weak type of b: ~f32[] → f32[]")],
    "dtype": [("dtype", "argument a: f32[8] → f16[8]")],
    "x64": [("dtype", "argument b: f32[] → ~f64[]; x64 off → on")],
    "keys": [("structure", "structure of p: dict of 'a' → dict of 'a', 'b'")],
    "tuple": [("structure", "structure of p: dict of 'a' → tuple of 2")],
    "none": [("structure", "structure of p[1]: None → an array")],
    "list": [("structure", "structure of p: tuple of 2 → list of 2")],
    "by keyword": [("structure", "arguments given a, b by position → a, b by keyword")],
    "precision": [("config", "jax_default_matmul_precision: None → 'float32'")],
    "promotion": [
        ("config", "jax_numpy_dtype_promotion: NumpyDtypePromotion.STANDARD → NumpyDtypePromotion.STRICT")
    ],
    "committed": [("device", "device of a: not committed to a device → on cpu:0")],
    "device": [("device", "device of a: on cpu:0 → on cpu:1")],
    "sharded": [("sharding", "sharding of a: one device → P('b',) {{'b': 2}}")],
    "donated": [("donation", "donated arguments none → a")],
    "scan": [
        ("first", "first call"), ("function", "a new function object for its body: <lambda> (awkward_script.py:{line})")
    ],
    "cond": [
        ("first", "first call"), ("function", "a new function object for its body: <lambda> (awkward_script.py:{line})")
    ],
    "while": [
        ("first", "first call"), ("function", "a new function object for its body: <lambda> (awkward_script.py:{line})")
    ],
    "evicted": [("cleared", "compiled before with the same signature: JAX's cache was cleared")],
    "cleared": [("cleared", "compiled before with the same signature: JAX's cache was cleared")],
}  # fmt: skip


def line_of(tag: str) -> int:
    (number,) = [n for n, line in enumerate(LINES, 1) if line.endswith(f"# {tag}")]
    return number


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("causes") / "run.xlascope"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    environment["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "0", "--finish-budget", "1"]
    done = subprocess.run(
        [*command, "-o", str(path), str(SCRIPT)], capture_output=True, text=True, env=environment, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def source(path: Path) -> Iterator[Source]:
    with open_source(path) as source:
        yield source


@pytest.fixture(scope="module")
def answer(source: Source) -> Compiles:
    return query("compiles", source)


def on_lines(answer: Compiles, tag: str) -> list[Compile]:
    lines = [n for n, line in enumerate(LINES, 1) if line.endswith(f"# {tag}")]
    return [row for row in answer.compiles if row.call_line in lines]


@pytest.mark.parametrize("tag", EXPECTED)
def test_the_cause(tag: str, answer: Compiles) -> None:
    number = next(n for n, line in enumerate(LINES, 1) if line.endswith(f"# {tag}"))
    place = f"{SCRIPT.name}:{number}"
    rows = on_lines(answer, tag)
    found = [(row.cause, row.reason) for row in rows if not row.eager or row.name == tag]
    assert found == [(cause, reason.format(place, line=number)) for cause, reason in EXPECTED[tag]]


ADVICE = {
    "lambda": "`jax.jit` at {at} is called in each turn of the loop at {script}:{loop}: call it once, before the loop, and "
              "keep what it returns.",
    "nested": "`jax.jit` at {at} is called in each turn of the loop at {script}:{loop}: call it once, before the loop, and "
              "keep what it returns.",
    "helper": "`jax.jit` at {at} is called in each call of `once_a_call`: call it once, outside of `once_a_call`, and keep "
              "what it returns.",
    "captured": "pass `k` as an argument instead of capturing it: then one compile serves all. `jax.jit` at {at} is called "
                "in each turn of the loop at {script}:{loop}: call it once, before the loop, and keep what it returns.",
    "same object": "`jax.jit` at {at} is called in each turn of the loop at {script}:{loop}: call it once, before the loop, "
                   "and keep what it returns.",
    "by position": "pass `power` in one form: it comes as by keyword, by position. It is called at {at}.",
    "method": "`jax.jit` at {made} wraps a method of each new object: jit one function outside of the class, and hand it "
              "what it needs of the object as arguments.",
    "self": "`self` is static, and each new object is another key: make the object once, give its class `__eq__` and "
            "`__hash__`, or make the class a pytree (`jax.tree_util.register_dataclass`). It is called at {at}.",
    "scan": "`scan` at {at} runs outside of jit, where JAX compiles it for each new function object: define what it is "
            "given outside of the loop at {script}:{loop}, or call it inside of a jitted function.",
    "keys": "pass `p` in one form: it comes as dict of 'a', dict of 'a', 'b', tuple of 2, list of 2. It is called at {at} (and {second}, "
            "{third}, …).",
    "donated": "the function is jitted with other donated arguments at {at}: jit it once.",
    "by keyword": "pass the arguments in one form: it comes as a, b by position, a, b by keyword. It is called at {at}.",
}  # fmt: skip


@pytest.mark.parametrize("tag", ADVICE)
def test_the_line_to_change(tag: str, answer: Compiles) -> None:
    number = line_of(tag)
    rows = [row for row in on_lines(answer, tag) if not row.eager or row.name == tag]
    loop = max(n for n in range(1, number) if LINES[n - 1].lstrip().startswith("for "))
    jitted = max(n for n in range(1, number + 1) if "jax.jit" in LINES[n - 1])
    (storm,) = [
        each for each in answer.storms
        if rows[-1].program in each.programs and (not each.eager or each.line == number)
    ]  # fmt: skip
    expected = ADVICE[tag].format(
        at=f"{SCRIPT.name}:{number if tag != 'nested' else jitted}", script=SCRIPT.name, loop=loop,
        made=f"{SCRIPT.name}:{line_of('made in init')}", second=number + 1, third=number + 2,
    )  # fmt: skip
    assert storm.advice == expected
    assert storm.compiles >= 2 and storm.ns >= storm.again_ns > 0


def test_eager_operations_of_a_function_are_one_storm(answer: Compiles) -> None:
    (storm,) = [each for each in answer.storms if each.name == "eager"]
    assert storm.eager and set(storm.names) >= {"tanh ×2", "dynamic_slice ×2"}
    assert storm.advice is not None and "put `jax.jit` around `eager`" in storm.advice
    assert [row.reason for row in on_lines(answer, "slice") if row.name == "dynamic_slice"][1:] == [
        "slice_sizes=(3) → slice_sizes=(4)"
    ]


def test_the_difference_of_keys(answer: Compiles) -> None:
    (row,) = on_lines(answer, "x64")
    assert row.against == "typed#2"
    assert [(part.part, part.name, part.before, part.after) for part in row.difference] == [
        ("dtype", "b", "f32[]", "~f64[]"), ("x64", None, "off", "on")]  # fmt: skip
    assert row.made_file == str(SCRIPT) and row.made_function == "<module>"
    assert sum("# lambda" in line for line in LINES) == 1 and len(on_lines(answer, "lambda")) == 3
    assert {row.of_program for row in on_lines(answer, "lambda")} == {3}


def test_text_and_json_tell_the_storms(answer: Compiles) -> None:
    (storm,) = [each for each in answer.storms if each.name == "<lambda>" and each.compiles == 3]
    text = render("compiles", replace(answer, storms=(storm,)), 200)
    place = f"{SCRIPT.name}:{line_of('lambda')}"
    assert text.startswith("Compiled again and again\n<lambda>  ") and f"{place}  compiled 3 times, " in text
    assert " with tracing and lowering" in text.splitlines()[1]
    assert f"; 2 × a new function object at the same line (jit made again at {place})\n" in text
    assert f"    → `jax.jit` at {place} is called in each turn of the loop at " in text
    more = tuple(storm for _ in range(12))
    assert "And 2 more, " in render("compiles", replace(answer, storms=more), 200)
    body = json.loads(dumps("compiles", answer))
    schema = json.loads((ROOT / "xlascope" / "report" / "schemas" / "compiles.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(body)
    assert body["storms"] == sorted(body["storms"], key=lambda storm: -storm["ns"])
