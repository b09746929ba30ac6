"""What JAX's caches are keyed by, beside the types of the arguments: structure, configuration, where values lie."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from .sources import is_user_file

Tree = str | tuple[str, Any, tuple[Any, ...]]
LEAF = "array"
NODES = 5_000
MADE = 65_536  # jitted objects whose place of making is kept

# In no tracing context, yet part of what is compiled or of how a call is dispatched.
_MORE_OPTIONS = ("jax_debug_nans", "jax_debug_infs", "jax_enable_checks", "jax_optimization_level",
                 "jax_memory_fitting_level", "jax_exec_time_optimization_effort", "jax_memory_fitting_effort",
                 "jax_disable_most_optimizations", "jax_no_tracing", "jax_platform_name")  # fmt: skip


def tracing_context(text: Callable[[Any], str]) -> tuple[tuple[str, str], ...]:
    """Each named part of JAX's tracing context, and the options beside it that change what is compiled, as text."""
    from jax._src import config

    values = config.trace_context()
    try:
        names = config.trace_context_names()
    except NotImplementedError:  # an older jaxlib
        names = ()
    if len(names) != len(values):
        names = tuple(f"part {index} of the tracing context" for index in range(len(values)))
    found = [(str(name), text(value)) for name, value in zip(names, values, strict=True)]
    holders = config.config._value_holders
    found += [(name, text(holders[name].value)) for name in _MORE_OPTIONS if name in holders]
    return tuple(found)


def argument_tree(call: dict[str, Any], text: Callable[[Any], str]) -> Tree | None:
    """The structure of a call's arguments: `LEAF`, or (type, keys or static part, children); None where unknown.

    Its root is a tuple of the positional arguments and of the dict of those by keyword, static ones left out.
    """
    treedef = call.get("in_tree")
    if treedef is None:
        return None
    left = NODES

    def visit(node: Any) -> Tree:
        nonlocal left
        left -= 1
        data = node.node_data() if left > 0 else None
        if data is None:
            return LEAF
        kind, aux = data
        if kind is type(None):
            return "None"
        if kind is dict:
            aux = tuple(text(key) for key in aux)
        elif kind in (tuple, list) or aux is kind:
            aux = None
        else:
            aux = text(aux) if aux is not None else None
        return kind.__qualname__, aux, tuple(visit(each) for each in node.children())

    return visit(treedef)


def parameter_names(call: dict[str, Any]) -> tuple[str, ...]:
    """Names of the positional parameters that are not static, as far as the function's signature tells."""
    info = call.get("jit_info")
    signature = getattr(info, "fun_signature", None)
    if info is None or signature is None:
        return ()
    static = {*info.static_argnums}
    return tuple(name for index, name in enumerate(signature.parameters) if index not in static)


def placed_on(value: Any) -> str | None:
    """The device that an array is committed to; None for all that JAX may move, and where several hold it."""
    devices = getattr(getattr(value, "sharding", None), "device_set", ())
    if not getattr(value, "_committed", False) or len(devices) != 1:
        return None
    device = next(iter(devices))
    return f"{device.platform}:{device.id}"


class Makers:
    """Where each jitted object was made: file, line and function of the script's frame that called ``jax.jit``."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[weakref.ref[Any], tuple[str, int, str]]] = {}
        self._users: dict[str, bool] = {}

    def install(self) -> None:
        """Watch the making of jitted objects from now on."""
        from jax._src import pjit

        original = pjit._cpp_pjit
        made = self._made

        def _cpp_pjit(fun: Callable[..., Any], jit_info: Any) -> Any:
            jitted = original(fun, jit_info)
            place = _maker(sys._getframe(1), self._users)
            key = id(jit_info)
            if place is not None and len(made) < MADE:
                made[key] = (weakref.ref(jitted, lambda _: made.pop(key, None)), place)
            return jitted

        pjit._cpp_pjit = _cpp_pjit

    def place(self, call: dict[str, Any]) -> tuple[str, int, str] | None:
        """Of the jitted object whose call `dispatch_frames` found; None for JAX's own and for what was made before."""
        entry = self._made.get(id(call.get("jit_info")))
        return entry[1] if entry is not None and entry[0]() is not None else None


class Clears:
    """How often JAX's caches were cleared: all by ``jax.clear_caches()``, one function's by its ``clear_cache()``."""

    def __init__(self) -> None:
        self._all = 0
        self._one: dict[int, int] = {}

    def install(self) -> None:
        """Watch the clearing of caches from now on."""
        from jax._src import pjit, util

        clear_all, evict = util.clear_all_caches, pjit.jit_evict_fn
        one = self._one

        def clear_all_caches() -> None:
            self._all += 1
            clear_all()

        def jit_evict_fn(self: Any) -> None:
            key = id(getattr(self, "_fun", None))
            if key in one or len(one) < MADE:
                one[key] = one.get(key, 0) + 1
            evict(self)

        util.clear_all_caches, pjit.jit_evict_fn = clear_all_caches, jit_evict_fn

    def count(self, fun: Any) -> int:
        """Of a function: how often its caches were cleared until now."""
        return self._all + self._one.get(id(fun), 0)


def _maker(frame: Any, users: dict[str, bool], depth: int = 12) -> tuple[str, int, str] | None:
    """The frame that made a jitted object, when it lies outside of JAX: near, or JAX makes it for itself.

    ``users`` remembers which files are: jitted objects are made in loops.
    """
    while frame is not None and depth:
        code = frame.f_code
        known = users.get(code.co_filename)
        if known is None:
            known = is_user_file(code.co_filename)
            if len(users) < MADE:
                users[code.co_filename] = known
        if known:
            return code.co_filename, frame.f_lineno, code.co_qualname
        frame, depth = frame.f_back, depth - 1
    return None
