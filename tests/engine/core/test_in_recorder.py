"""Jit off, deep jit off and compiler switches in the process that holds the jaxpr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from xlascope.engine import compat
from xlascope.engine.core import measure_in_recorder
from xlascope.engine.core.eager import DeepEagerProgram, EagerProgram, wide_types
from xlascope.engine.core.effects import unrepeatable, without_debug_output
from xlascope.engine.core.measure import Cancelled
from xlascope.protocol.frames import Message
from xlascope.traces import read_profile

X = jnp.linspace(-1.0, 1.0, 12, dtype=jnp.float32).reshape(4, 3)
TABLE = np.arange(3, dtype=np.float32)
KEY = jax.random.key(3)
FEW_DEVICES = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("x",))


def carried_backwards(x):
    return lax.scan(lambda c, row: ((c[0] + row, c[1] * 2), {"sum": c[0] * c[1]}), (x[0] * 0, 1.0), x, reverse=True)


def nested(x):
    def step(carry, index):
        doubled = lax.cond(index % 2 == 0, lambda v: v * 2, lambda v: v + 1, carry)
        return lax.while_loop(lambda v: jnp.sum(v) < 10, lambda v: v + 1.5, doubled), index

    return lax.scan(step, x, jnp.arange(4))


@jax.custom_jvp
def cubed(x):
    return x**3


cubed.defjvp(lambda primals, tangents: (cubed(*primals), 3 * primals[0] ** 2 * tangents[0]))


def sharded(x):
    spec = jax.sharding.PartitionSpec("x")
    return jax.shard_map(lambda v: lax.psum(v, "x"), mesh=FEW_DEVICES, in_specs=spec, out_specs=jax.P())(x)


PROGRAMS = {
    "softmax": (lambda x: jax.nn.softmax(x @ x.T), (X,)),
    "constants": (lambda x: x * TABLE + jnp.asarray(TABLE), (X,)),
    "unused": (lambda x, y: (x + 1, x, 2.0), (X, X)),
    "passed_through": (lambda x: x, (X,)),
    "backwards": (carried_backwards, (X,)),
    "nested": (nested, (X[0],)),
    "no_steps": (lambda x: lax.scan(lambda c, r: (c + r, r * c), x[0], x[:0]), (X,)),
    "inner_jit": (lambda x: jax.jit(jnp.sin)(x) + jax.jit(jnp.sin)(x + 1), (X,)),
    "gradient": (jax.grad(lambda x: jnp.sum(cubed(x)) + jnp.sum(jax.checkpoint(jnp.tanh)(x))), (X,)),
    "random": (lambda key, x: x + jax.random.normal(key, x.shape), (KEY, X)),
    "keys": (lambda key: jax.random.split(key, 3), (KEY,)),
    "sharded": (sharded, (X,)),
    "callback": (lambda x: jax.pure_callback(np.cos, jax.ShapeDtypeStruct(x.shape, x.dtype), x) * 2, (X,)),
}


@dataclass(frozen=True)
class Live:
    id: str
    jaxpr: Any
    inputs: list[dict[str, Any]]


def flat(args: tuple[Any, ...]) -> list[Any]:
    return jax.tree.leaves(args)


def raw(value: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(value) if jnp.issubdtype(value.dtype, jax.dtypes.prng_key) else value)


def live(function: Any, args: tuple[Any, ...], donated: tuple[int, ...] = ()) -> tuple[Live, Message]:
    """A program as the recorder holds it, and a command that brings its arguments."""
    jaxpr = jax.jit(function).trace(*args).jaxpr
    values = flat(args)
    keys = [jnp.issubdtype(value.dtype, jax.dtypes.prng_key) for value in values]
    leaves = [
        {
            "index": index,
            "dtype": str(raw(value).dtype),
            "shape": list(raw(value).shape),
            "blob": f"a{index}",
            "key_impl": "fry" if is_key else None,
        }
        for index, (value, is_key) in enumerate(zip(values, keys, strict=True))
    ]
    for each in leaves:
        if each["key_impl"]:
            each["key_impl"] = str(jax.random.key_impl(values[each["index"]]))
    blobs = {f"a{index}": raw(value).tobytes() for index, value in enumerate(values)}
    inputs = [{"donated": index in donated, "sharding": None} for index in range(len(values))]
    return Live("f#1", jaxpr, inputs), Message({"id": 7, "args_record": {"leaves": leaves}}, blobs)


def measured(
    program: Live, message: Message, switches: dict[str, Any], cancelled: Any = lambda: False, **keys: Any
) -> tuple[Message, list[dict[str, Any]]]:
    sent: list[Message] = []
    body = {**message.body, "switches": switches, "budget_s": 0.02, **keys}
    measure_in_recorder(
        program,
        Message(body, message.blobs),
        lambda body, blobs=None: sent.append(Message(body, blobs or {})),
        cancelled,
    )
    *told, result = sent
    assert result.kind == "result" and result.body["id"] == 7
    assert all(each.kind == "progress" for each in told)
    return result, [each.body for each in told]


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("kind", [EagerProgram, DeepEagerProgram])
def test_the_numbers_of_jax(kind: type[EagerProgram], name: str) -> None:
    function, args = PROGRAMS[name]
    program = kind(jax.jit(function).trace(*args).jaxpr, flat(args))
    expected = flat(jax.jit(function)(*args))
    for _ in range(2):
        found = program.outputs()
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.dtype == raw(theirs).dtype
            np.testing.assert_allclose(ours, raw(theirs), rtol=2e-6, atol=1e-7)


def test_deep_eager_is_what_disable_jit_gives() -> None:
    function, args = PROGRAMS["nested"]
    with jax.disable_jit():
        expected = flat(function(*args))
    found = DeepEagerProgram(jax.jit(function).trace(*args).jaxpr, flat(args)).outputs()
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_wide_types_are_kept() -> None:
    with jax.enable_x64(True):
        value = jnp.float64(1) / 3
        jaxpr = jax.jit(lambda x: x * 2).trace(value).jaxpr
    with wide_types(jaxpr):
        (found,) = EagerProgram(jaxpr, [value]).outputs()
    assert found.dtype == np.float64 and found == 2 / 3


@pytest.mark.parametrize("switch", ["off", "deep-off"])
def test_jit_off_result(switch: str) -> None:
    program, message = live(*PROGRAMS["softmax"])
    result, told = measured(program, message, {"jit": switch})
    body = result.body
    assert body["ok"], body
    assert [path for path, _ in body["equation_ns"]] == [str(index) for index in range(len(program.jaxpr.eqns))]
    assert all(ns > 0 for _, ns in body["equation_ns"])
    assert body["total_synced_ns"] > 0 and body["median_ns"] > 0 and body["baseline_median_ns"] > 0
    assert body["max_rel_error"] < 1e-5 and (body["place"], body["args"]) == ("recorder", "recorded")
    assert body["compile_ns"] > 0 and b"HloModule" in result.blobs["baseline_optimized"]
    assert "optimized" not in result.blobs and body["samples"] * 8 == len(result.blobs["samples"])
    assert {each["activity"] for each in told} >= {"compiling", "measuring"}


def test_each_program_is_compiled_once() -> None:
    """The call, the text and the time come from one compilation each for baseline and variant."""
    compiles: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, _, **__: compiles.append(event) if event.endswith("backend_compile_duration") else None
    )
    program, message = live(lambda x: jnp.cos(x) * 3 - jnp.sum(jnp.tanh(x)), (X,), donated=(0,))
    compiles.clear()
    result, _ = measured(program, message, {"fusion": "off"})
    assert result.body["compile_ns"] > 0 and result.body["baseline_compile_ns"] > 0
    assert len(compiles) == 2


def test_fusion_off_in_the_recorder() -> None:
    program, message = live(lambda x: jnp.sum(jnp.tanh(x) * 2 + 1), (X,))
    result, _ = measured(program, message, {"fusion": "off"}, profile=True)
    assert result.body["ok"], result.body
    assert result.blobs["optimized"] != result.blobs["baseline_optimized"]
    assert result.blobs["profile"] and result.blobs["baseline_profile"]
    assert result.body["program_ids"] != result.body["baseline_program_ids"]


def test_donated_arguments_are_copied_for_each_call() -> None:
    program, message = live(lambda x, y: (x + y, jnp.sum(y)), (X, X), donated=(0,))
    for switches in ({"jit": "off"}, {"fusion": "off"}):
        result, _ = measured(program, message, switches)
        assert result.body["ok"], result.body
        assert b"input_output_alias" in result.blobs["baseline_optimized"]


def test_donated_keys_are_copied() -> None:
    program, message = live(lambda key, x: (jax.random.split(key)[0], x), (KEY, X), donated=(0,))
    result, _ = measured(program, message, {"fusion": "off"})
    assert result.body["ok"], result.body


def test_arguments_that_were_not_kept_are_made_up() -> None:
    program, _ = live(lambda key, x, n: x * n + jax.random.uniform(key), (KEY, X, jnp.int32(3)))
    result, _ = measured(program, Message({"id": 7}, {}), {"jit": "off"})
    assert result.body["ok"] and result.body["args"] == "synthetic"


def test_debug_output_is_dropped_at_every_depth(capfd: pytest.CaptureFixture[str]) -> None:
    heard: list[Any] = []

    def talks(x):
        jax.debug.print("top {}", x[0])

        def body(carry, row):
            jax.debug.print("inside {}", row)
            jax.debug.callback(heard.append, carry)
            return carry + row, None

        return lax.scan(body, jnp.float32(0), x)[0]

    program, message = live(talks, (X[0],))
    quiet, dropped = without_debug_output(program.jaxpr)
    assert dropped == 3 and "debug" not in str(quiet)
    capfd.readouterr()
    for switches in ({"jit": "off"}, {"jit": "deep-off"}, {"fusion": "off"}):
        result, _ = measured(program, message, switches)
        assert result.body["ok"], result.body
        assert result.body["notes"][0] == "3 debug.print or debug.callback left out"
        assert result.body["max_abs_error"] == 0.0
    jax.effects_barrier()
    assert capfd.readouterr().out == "" and heard == []


def test_a_quiet_program_is_left_as_it_is() -> None:
    jaxpr = jax.jit(nested).trace(X[0]).jaxpr
    quiet, dropped = without_debug_output(jaxpr)
    assert quiet is jaxpr and dropped == 0


@pytest.mark.parametrize("ordered", [False, True])
def test_io_needs_consent(ordered: bool) -> None:
    written: list[float] = []

    def writes(x):
        jax.experimental.io_callback(lambda v: written.append(float(v)), None, x[0], ordered=ordered)
        return x * 2

    program, message = live(writes, (X[0],))
    assert unrepeatable(program.jaxpr)
    result, _ = measured(program, message, {"jit": "off"})
    assert result.body["ok"] is False and "consent" in result.body["advice"] and written == []
    result, _ = measured(program, message, {"jit": "off"}, consent=True)
    assert result.body["ok"], result.body
    assert written


@pytest.mark.parametrize(
    ("switches", "error"),
    [
        ({"devices": 8}, "process of its own"),
        ({"fusion": "half"}, "'half'"),
        ({"compiler_options": {"xla_nonsense": 1}}, "No such compile option"),
    ],
)
def test_refusals(switches: dict[str, Any], error: str) -> None:
    program, message = live(*PROGRAMS["softmax"])
    result, _ = measured(program, message, switches)
    assert result.body["ok"] is False and error in result.body["error"] and result.body["advice"]


def test_arguments_on_several_devices_are_refused() -> None:
    program, message = live(*PROGRAMS["softmax"])
    program.inputs[0]["sharding"] = "PartitionSpec('x',) {'x': 8}"
    result, _ = measured(program, message, {"jit": "off"})
    assert result.body["ok"] is False and "several devices" in result.body["error"]


def test_a_failing_program_is_an_answer() -> None:
    def fails(x):
        def boom(_):
            raise KeyError("from the script")

        return jax.pure_callback(boom, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    program, message = live(fails, (X,))
    result, _ = measured(program, message, {"jit": "off"})
    assert result.body["ok"] is False and "\n" not in result.body["error"]


def test_cancel_between_equations() -> None:
    program, message = live(*PROGRAMS["softmax"])
    asked = iter(range(10_000))
    result, _ = measured(program, message, {"jit": "off"}, cancelled=lambda: next(asked) >= 3)
    assert (result.body["ok"], result.body["cancelled"]) == (False, True)
    with pytest.raises(Cancelled):
        EagerProgram(program.jaxpr, [X], lambda: True).outputs()


@pytest.mark.parametrize(
    ("name", "function", "off", "deep"),
    [
        ("shard_map", sharded, "dispatches it as a whole too", True),
        ("jit", lambda x: jax.jit(lambda v: jnp.sin(v) + v)(x), "enters it", False),
        ("scan", lambda x: lax.scan(lambda c, r: (c * 2, r * c), 2.0, x), "enters it", False),
        ("custom_jvp_call", cubed, None, False),
        ("add", lambda x: x + x * 2, None, False),
    ],
)
def test_a_program_of_one_equation_that_is_dispatched_whole_says_so(
    name: str, function: Any, off: str | None, deep: bool
) -> None:
    program, message = live(function, (X,))
    plain = measured(program, message, {"jit": "off"})[0].body
    told = [text for text in plain["notes"] if "one top-level equation" in text]
    if off is None:
        assert not told and "whole_equation" not in plain
    else:
        assert len(told) == 1 and told[0].endswith(f"nothing at that level; deep-off {off}")
        assert plain["whole_equation"] in (name, "pjit")
    taken_apart = measured(program, message, {"jit": "deep-off"})[0].body
    assert any("one top-level equation" in text for text in taken_apart["notes"]) is deep


def test_equations_dispatched_alone_are_found_in_a_profile_amid_other_work() -> None:
    """Each program that the profile saw for an equation is named, whatever else ran meanwhile."""
    other = jax.jit(lambda x: jnp.cumsum(x * 3))

    def function(x):
        return jnp.sum(jnp.tanh(x @ x.T), axis=0)

    x = jnp.ones((16, 8))
    other(x).block_until_ready()
    jaxpr = jax.make_jaxpr(function)(x)
    program = EagerProgram(jaxpr, [x])
    program.call([x])
    told = dict(program.equation_programs())
    assert list(told) == [str(index) for index in range(len(jaxpr.jaxpr.eqns))]
    session = compat.open_profile(2)
    for _ in range(3):
        program.call([x])
        other(x).block_until_ready()
    profile = read_profile(session.stop())
    seen = {str(key.program_id): key.module for key in profile.programs}
    assert {number: seen[number] for ids in told.values() for number in ids} == {
        ids[0]: f"jit_{equation.primitive.name}"
        for ids, equation in zip(told.values(), jaxpr.jaxpr.eqns, strict=True)
    }
    assert "jit__lambda" in {module for number, module in seen.items() if [number] not in list(told.values())}
