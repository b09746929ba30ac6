"""Values of XLA's options: which cannot be, and what is doubtful about names and values. No JAX."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from .xla_options import NUMBER, OPTIONS, WHOLE, YES_OR_NO

_TRUE_OR_FALSE = frozenset(["true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"])
_BOUNDS = {"xla_cpu_parallel_codegen_split_count": (1, 1024)}
"""Whole numbers outside of which XLA fails without a word on the option, or does not come back."""
_DETECTION = "DETECTION_MODE_NONE DETECTION_MODE_WARNING DETECTION_MODE_FAIL DETECTION_MODE_DUMP"
_PIPELINING = " ".join(f"COLLECTIVE_PIPELINING_MODE_{each}" for each in ("DEFAULT", "OFF", "ON", "EXPLICIT"))
_COLLECTIVES = " ".join(
    f"COLLECTIVES_{each}" for each in ("MODE_INVALID", "PRIVATE_MEMORY", "SYMMETRIC_MEMORY", "PEER_MEMORY")
)
WORDS = {
    "xla_cpu_opt_preset": "CPU_OPT_PRESET_DEFAULT CPU_OPT_PRESET_FAST_RUNTIME CPU_OPT_PRESET_FAST_COMPILE",
    "xla_cpu_experimental_xnn_graph_fusion_mode": (
        "XNN_GRAPH_FUSION_MODE_DISABLED XNN_GRAPH_FUSION_MODE_GREEDY XNN_GRAPH_FUSION_MODE_GREEDY_SLINKY "
        "XNN_GRAPH_FUSION_MODE_BYPASS_COST_MODEL"
    ),
    "xla_cpu_scheduler_type": (
        "CPU_SCHEDULER_TYPE_DEFAULT CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED CPU_SCHEDULER_TYPE_CONCURRENCY_OPTIMIZED"
    ),
    "xla_detect_unstable_reductions": _DETECTION,
    "xla_detect_unstable_reductions_post_optimizations": _DETECTION,
    "xla_gpu_all_gather_mode": _COLLECTIVES,
    "xla_gpu_collective_permute_mode": _COLLECTIVES,
    "xla_gpu_command_buffer_scheduling_mode": "SERIALIZE CONCURRENT LHS CONCURRENT_REGIONS",
    "xla_gpu_command_buffer_update_mode": (
        "ALWAYS_UPDATE NEVER_UPDATE CAPTURE_CMD_NEVER_UPDATE SKIP_TEMP SKIP_PROFILED"
    ),
    "xla_gpu_detect_inf": _DETECTION,
    "xla_gpu_detect_nan": _DETECTION,
    "xla_gpu_enable_while_loop_unrolling": (
        "WHILE_LOOP_UNROLLING_NO_UNROLL WHILE_LOOP_UNROLLING_DOUBLE_BUFFER WHILE_LOOP_UNROLLING_FULL_UNROLL "
        "WHILE_LOOP_UNROLLING_AUTO_UNROLL WHILE_LOOP_UNROLLING_MANUAL_UNROLL"
    ),
    "xla_gpu_experimental_autotune_cache_mode": (
        "AUTOTUNE_CACHE_MODE_UNSPECIFIED AUTOTUNE_CACHE_MODE_UPDATE AUTOTUNE_CACHE_MODE_READ "
        "AUTOTUNE_CACHE_MODE_WRITE_ONLY"
    ),
    "xla_gpu_experimental_pipeline_parallelism_opt_level": (
        "PIPELINE_PARALLELISM_OPT_LEVEL_DISABLE PIPELINE_PARALLELISM_OPT_LEVEL_ENABLE"
    ),
    "xla_gpu_libnvjitlink_mode": "LIB_NV_JIT_LINK_MODE_AUTO LIB_NV_JIT_LINK_MODE_DISABLED LIB_NV_JIT_LINK_MODE_ENABLED",
    "xla_gpu_pgle_accuracy_checker": "PGLE_STRICTNESS_LEVEL_OFF PGLE_STRICTNESS_LEVEL_WARN PGLE_STRICTNESS_LEVEL_ERROR",
    "xla_gpu_pipeline_all_gather": _PIPELINING,
    "xla_gpu_pipeline_all_reduce": _PIPELINING,
    "xla_gpu_pipeline_reduce_scatter": _PIPELINING,
    "xla_gpu_ragged_all_to_all_mode": _COLLECTIVES,
    "xla_gpu_shape_checks": "IGNORE RUNTIME COMPILE_TIME",
    "xla_partitioning_algorithm": (
        "PARTITIONING_ALGORITHM_NOOP PARTITIONING_ALGORITHM_EXP0 PARTITIONING_ALGORITHM_EXP1 "
        "PARTITIONING_ALGORITHM_EXP2"
    ),
    "xla_step_marker_location": (
        "STEP_MARK_AT_ENTRY STEP_MARK_AT_TOP_LEVEL_WHILE_LOOP STEP_MARK_AT_SECOND_LEVEL_WHILE_LOOP STEP_MARK_NONE"
    ),
}
"""Options that take one of several words, those of both JAX 0.10 and 0.12, with blanks between."""
_FEW = 3
"""So many letters are in too many names by chance."""
_NONE_NEAR = (
    "; no name is near it: they begin with xla_cpu_, xla_gpu_, xla_dump_ …, and `+` on the screen completes them"
)
_FAMILY = re.compile(r"-*xla_(?:cpu_|gpu_|tpu_)?")


def wrong_value(name: str, value: str) -> str | None:
    """What would be valid for an option whose value cannot be; None where it can, or the option is not known."""
    if name in YES_OR_NO and value.lower() not in _TRUE_OR_FALSE:
        return "it is true or false"
    if name in _BOUNDS:
        least, most = _BOUNDS[name]
        if not _is(int, value) or not least <= int(value) <= most:
            return f"it is a whole number from {least} to {most}"
        return None
    if name in WHOLE and not _is(int, value):
        return "it is a whole number"
    if name in NUMBER and not _is(float, value):
        return "it is a number"
    return None


def doubts(options: Mapping[str, object]) -> str | None:
    """Sentences on options and words that JAX 0.10 and 0.12 do not know, with what is near or valid; None for none."""
    told = []
    for name, value in options.items():
        if name not in OPTIONS:
            near = _near(name)
            beside = f"; near it: {', '.join(near)}" if near else _NONE_NEAR
            told.append(f"{name} is no option known of JAX 0.10 and 0.12{beside}")
        elif name in WORDS and str(value) not in WORDS[name].split() and not _is(int, str(value)):
            told.append(f"{name} knows no {value}: it is one of {', '.join(WORDS[name].split())}")
    return ". ".join(told) or None


def _near(name: str) -> list[str]:
    """Up to three options with a similar name, whatever they are for: what all have in common is left out."""
    rests = {option: _FAMILY.sub("", option, count=1) for option in sorted(OPTIONS)}
    own = _FAMILY.sub("", name, count=1)
    similar = set(difflib.get_close_matches(own, set(rests.values()), 3, 0.7))
    words, run = set(name.lstrip("-").split("_")), own.replace("_", "")
    found = [
        option
        for option, rest in rests.items()
        if rest in similar or (len(run) > _FEW and (words <= set(option.split("_")) or run in rest.replace("_", "")))
    ]
    return sorted(found, key=lambda option: -difflib.SequenceMatcher(None, name, option).ratio())[:3]


def _is(kind: type[int] | type[float], value: str) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True
