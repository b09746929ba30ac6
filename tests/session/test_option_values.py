"""Names and values of XLA's options: which cannot be, what is near, and that XLA itself knows the words told."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from xlascope.protocol.xla_options import OPTIONS
from xlascope.protocol.xla_values import WORDS, doubts, wrong_value


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("xla_cpu_enable_fast_maht", "xla_cpu_enable_fast_math, xla_enable_fast_math"),
        ("--xla_cpu_enable_fast_math", "xla_cpu_enable_fast_math, "),
        ("cpu_fast_math", "xla_cpu_enable_fast_math, "),
        ("xla_disable_hlo_pass", "xla_disable_hlo_passes, xla_disable_all_hlo_passes"),
    ],
)
def test_names_near_to_an_unknown_option(name: str, near: str) -> None:
    assert f"{name} is no option known of JAX 0.10 and 0.12; near it: {near}" in (doubts({name: "1"}) or "")


@pytest.mark.parametrize("name", ["xla_nope", "nope", "xla", "xla_", "a"])
def test_nothing_is_near_to_what_only_begins_alike(name: str) -> None:
    assert "no name is near it: they begin with xla_cpu_" in (doubts({name: "1"}) or "")


def test_values_that_cannot_be() -> None:
    assert wrong_value("xla_cpu_ftz", "maybe") == "it is true or false"
    assert wrong_value("xla_gpu_autotune_gemm_rtol", "much") == "it is a number"
    assert wrong_value("xla_backend_optimization_level", "1.5") == "it is a whole number"
    for value in ("-1", "0", "1025", "many"):
        assert wrong_value("xla_cpu_parallel_codegen_split_count", value) == "it is a whole number from 1 to 1024"
    known = {"xla_cpu_parallel_codegen_split_count": "32", "xla_cpu_ftz": "True", "xla_dump_to": "anything"}
    assert [wrong_value(*each) for each in known.items()] == [None] * 3 and doubts(known) is None


def test_words_are_those_of_options_that_there_are() -> None:
    assert set(WORDS) <= OPTIONS
    assert doubts({"xla_detect_unstable_reductions": "1"}) is None


@pytest.mark.parametrize("name", sorted(name for name in WORDS if name.startswith(("xla_cpu_", "xla_step"))))
def test_xla_takes_each_word_told_and_no_other(name: str) -> None:
    """XLA alone knows what it takes: each word compiles, another one is refused as no value."""
    lowered = jax.jit(lambda x: x + 1).lower(jnp.ones(3))
    for word in WORDS[name].split():
        assert doubts({name: word}) is None
        lowered.compile(compiler_options={name: word})
    assert "it is one of" in (doubts({name: "foo"}) or "")
    with pytest.raises(Exception, match="'foo' is not a valid enum value"):
        lowered.compile(compiler_options={name: "foo"})
