"""Operations by what they are for: computing, moving data, control, exchange between devices, libraries."""

from __future__ import annotations

from functools import lru_cache

_MOVE_NAMES = """
    bitcast bitcast-convert bitcast_convert bitcast_convert_type broadcast broadcast_in_dim concatenate constant copy
    copy_p device_put dynamic-reshape dynamic-slice dynamic-update-slice dynamic_slice dynamic_update_slice
    dynamic_broadcast_in_dim dynamic_reshape expand_dims gather get-dimension-size get-tuple-element get_tuple_element
    iota pad parameter reshape rev reverse scatter select_and_scatter slice split squeeze transpose tuple copy-start
    copy-done dynamic_gather dynamic_pad real_dynamic_slice
"""
_CONTROL_NAMES = """
    after-all add-dependency async-done async-start async-update call case checkpoint closed_call cond conditional
    core_call custom_jvp_call custom_vjp_call custom_vjp_call_jaxpr jit opt-barrier optimization_barrier pjit remat
    remat2 scan shard_map switch while if run_state return after_all create_token optimization-barrier
"""
_LIBRARY_NAMES = """
    custom-call custom_call custom-call-start custom-call-done infeed outfeed pallas_call pure_callback io_callback
    debug_callback debug_print ffi_call
"""
_EXCHANGE = (
    "all-", "all_", "reduce-scatter", "reduce_scatter", "collective", "ragged-all", "psum", "pmax", "pmin", "ppermute",
    "pbroadcast", "pvary", "axis_index", "partition-id", "partition_id", "replica-id", "replica_id", "send", "recv",
    "sharding_constraint", "manual_computation",
)  # fmt: skip
_ROLES = {
    **dict.fromkeys(_MOVE_NAMES.split(), "op_move"),
    **dict.fromkeys(_CONTROL_NAMES.split(), "op_control"),
    **dict.fromkeys(_LIBRARY_NAMES.split(), "op_library"),
}


@lru_cache(1024)
def role_of(operation: str) -> str:
    """The role, one of `theme.ROLES`, of an operation's name in any of the compiler's texts."""
    bare = operation.strip('"')
    name = bare.partition(".")[2] or bare
    return "op_exchange" if name.startswith(_EXCHANGE) else _ROLES.get(name, "op")
