"""The second lowering of a program, with tagged equations: what links each instruction to its equations."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import compat
from ..core import located, tags

# Each jaxpr is tagged once: seen to take 0.1 to 1.7 times the first lowering (diffrax, flax, haiku, jraph).
AS_LONG = 1.7
# And to write its text with the names of operations.
LOCATED_AS_LONG = 3.0
# Compiling it, of the first compile.
COMPILED_AS_LONG = 1.3
TARGETS = "tpu", "cuda"
"""Platforms that a program may be compiled for without their hardware."""


@dataclass(frozen=True, slots=True)
class Lowering:
    """A call of JAX's lowering, to be made once more: the function before it was wrapped, and its arguments."""

    lower: Callable[..., Any]
    args: tuple[Any, ...]
    params: dict[str, Any]
    seconds: float

    @property
    def full_seconds(self) -> float:
        """About how long it takes to record all links, without a compile."""
        return (AS_LONG + LOCATED_AS_LONG) * self.seconds

    @property
    def jaxpr(self) -> Any:
        """The jaxpr that is being lowered."""
        return self.params["jaxpr"] if "jaxpr" in self.params else self.args[1]

    def held_bytes(self) -> int:
        """Bytes of the captured constants that this keeps alive."""
        return sum(int(getattr(each, "nbytes", 0)) for each in compat.jaxpr_consts(self.jaxpr))

    def tagged(self, platform: str | None = None) -> Any:
        """The computation of the same program with tagged equations, lowered for another platform if one is given.

        Raises what JAX's lowering raises.
        """
        params = self.params if platform is None else {**self.params, "lowering_platforms": (platform,)}
        if "jaxpr" in params:
            return self.lower(*self.args, **{**params, "jaxpr": tags.tag(params["jaxpr"])})
        values, jaxpr, *rest = self.args
        return self.lower(values, tags.tag(jaxpr), *rest, **params)


def send_tagged(link: Any, program: Any, lowering: Lowering, until: float | None, compile_until: float | None) -> bool:
    """Lower with tags, send the bytecode, compile it, send the optimized text and the forms before optimization.

    ``until`` and ``compile_until`` are the monotonic times by which to have lowered and compiled, None for no limit.
    What could not be done by then is left to a lab: the bytecode is there for it. False when not even that could.
    """
    if until is not None and time.monotonic() + AS_LONG * lowering.seconds > until:
        return False
    computation = lowering.tagged()
    made = compat.computation_module(computation)
    blobs = {"tagged": compat.portable_bytecode(made)}
    in_time = compile_until is None or time.monotonic() + COMPILED_AS_LONG * program.compile_seconds <= compile_until
    if in_time:
        modules = computation.compile().runtime_executable().hlo_modules()
        blobs["text"] = modules[0].to_string().encode()
    link.send({"kind": "stage", "program": program.id, "stage": "tagged"}, blobs)
    if in_time and (until is None or time.monotonic() + LOCATED_AS_LONG * lowering.seconds <= until):
        link.send({"kind": "stage", "program": program.id, "stage": "located"}, located.forms(made))
    _send_for_targets(link, program, lowering, made, until)
    return True


def _send_for_targets(link: Any, program: Any, lowering: Lowering, made: Any, until: float | None) -> None:
    """Where a lowering has calls that only its own platform has (LAPACK's), those for platforms that may be targets.

    They need the trace, which a lab has not. What JAX cannot lower is told in the record.
    """
    from ..core import module  # it imports numpy, which is the script's to import first

    calls, foreign = module.platform_calls(made)
    if calls or not foreign:
        return
    for platform in TARGETS:
        if until is not None and time.monotonic() + AS_LONG * lowering.seconds > until:
            link.drop("lowering for targets", "the time for finishing was over")
            return
        record = {"kind": "lowered", "program": program.id, "platform": platform}
        try:
            other = compat.computation_module(lowering.tagged(platform))
        except Exception as error:  # no rule for the platform, or a plugin of it that wants the hardware
            text = (str(error).strip().splitlines() or [type(error).__name__])[0]
            link.send({**record, "error": text})
        else:
            link.send({**record, "error": None}, {"bytecode": compat.portable_bytecode(other)})
