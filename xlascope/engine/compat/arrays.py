"""Arrays as values, and the backend that holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def backend_is_up() -> bool:
    """Whether a backend has been started; asking starts none."""
    from jax._src import xla_bridge

    return bool(xla_bridge._backends)


class _TellingLock:
    """A lock of JAX's that tells when it is held while no backend is up; in place of the lock until one is."""

    def __init__(self, name: str, began: Callable[[], object], ended: Callable[[], object]) -> None:
        from jax._src import xla_bridge

        self._module, self._name = xla_bridge, name
        self._lock: Any = getattr(xla_bridge, name)
        self._began, self._ended = began, ended
        self._telling = False
        setattr(xla_bridge, name, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)

    def __enter__(self) -> Any:
        held = self._lock.__enter__()
        self._telling = not backend_is_up()
        if self._telling:
            self._began()
        return held

    def __exit__(self, *error: Any) -> None:
        if self._telling:
            self._telling = False
            self._ended()
        if backend_is_up() and getattr(self._module, self._name) is self:
            setattr(self._module, self._name, self._lock)
        self._lock.__exit__(*error)


def watch_backend_start(began: Callable[[], object], ended: Callable[[], object]) -> None:
    """Call ``began`` and ``ended`` around the start of JAX's backend: the search for plugins, and each try of one."""
    for name in ("_plugin_lock", "_backend_lock"):
        _TellingLock(name, began, ended)


def default_platform_if_up() -> str | None:
    """The default backend's platform; None before a backend is up, since asking would start it."""
    import jax

    return jax.default_backend() if backend_is_up() else None


def unfinished(limit: int) -> list[Any]:
    """Arrays of the script that some execution is still to fill, ``limit`` of them at most."""
    if not backend_is_up():
        return []  # asking for the arrays would start one
    import jax

    found: list[Any] = []
    for array in jax.live_arrays():
        if is_unfinished(array):
            found.append(array)
            if len(found) == limit:
                break
    return found


def is_unfinished(array: Any) -> bool:
    """Whether an array waits for an execution; a deleted one, or one whose execution failed, does not."""
    try:
        return not array.is_deleted() and not array.is_ready()
    except (RuntimeError, ValueError):
        return False


def is_finished(array: Any) -> bool:
    """Whether an array's values are there, so that the execution that made them has ended."""
    try:
        return not array.is_deleted() and bool(array.is_ready())
    except (RuntimeError, ValueError):
        return False


def is_array(value: Any) -> bool:
    """Whether this is a JAX array (typed PRNG keys included), whose value never changes."""
    import jax

    return isinstance(value, jax.Array)


def host_copy(value: Any, dtype: str | None) -> tuple[Any, str | None]:
    """A NumPy copy of an argument and, of a typed PRNG key, its implementation (the copy is of the key's data).

    Leaves no cached host value on the array, as ``np.asarray`` would: that would keep a later donation from using its
    buffer. Raises RuntimeError for a deleted array, ValueError for one whose shards are not all here.
    """
    import jax
    import numpy as np

    if is_array(value) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        return host_copy(value._base_array, None)[0], str(value._impl.name)
    if not is_array(value):
        plain = np.array(value)
        return plain.astype(dtype) if dtype is not None and str(plain.dtype) != dtype else plain, None
    if value.is_deleted():
        raise RuntimeError("donated by a later call before it could be copied")
    if not value.is_fully_addressable:
        raise ValueError("parts of the array are in other processes")
    shards = value.addressable_shards
    if len(shards) == 1 or value.is_fully_replicated:
        return np.array(_one_device(shards[0].data)), None
    whole = np.empty(value.shape, value.dtype)
    for shard in shards:
        whole[shard.index] = _one_device(shard.data)
    return whole, None


def _one_device(array: Any) -> Any:
    import numpy as np

    read = getattr(array, "_single_device_array_to_np_array_did_copy", None)
    return read()[0] if read is not None else np.asarray(array)


def key_implementation(dtype: Any) -> str:
    """The name of the generator (``threefry2x32``) behind a typed PRNG key's dtype."""
    return str(dtype._impl.name)
