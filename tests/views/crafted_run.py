"""Run files made by hand, with the records of ARCHITECTURE.md."""

from __future__ import annotations

import json
from pathlib import Path

from xlascope.protocol.snapshots import LineStore
from xlascope.runfile import Writer

SCRIPT = "/home/u/train.py"
SOURCE = "import jax\n\n@jax.jit\ndef scores(x, w):\n    return jax.nn.softmax(x @ w)\n\nprint('done')\n"
JAXPR = "{ lambda ; a:f32[8,4] b:f32[4,2]. let\n    c:f32[8,2] = dot_general a b\n    d:f32[8,2] = exp c\n  in (d,) }"
EQUATIONS = [
    {"path": "0", "primitive": "dot_general", "inputs": ["a", "b"], "outputs": ["c"], "file": SCRIPT, "line": 5,
     "function": "scores", "text_line": 2},
    {"path": "1", "primitive": "exp", "inputs": ["c"], "outputs": ["d"], "file": SCRIPT, "line": 5,
     "function": "scores", "text_line": 3},
]  # fmt: skip
OPTIMIZED = """HloModule jit_scores, is_scheduled=true, entry_computation_layout={(f32[8,4]{1,0}, f32[4,2]{1,0})->f32[8,2]{1,0}}

%fused_computation (p: f32[8,2]) -> f32[8,2] {
  %p = f32[8,2]{1,0} parameter(0)
  %exp.1 = f32[8,2]{1,0} exponential(%p), metadata={op_name="jit(scores)/exp" source_file="/home/u/train.py" source_line=5}
  ROOT %mul.1 = f32[8,2]{1,0} multiply(%exp.1, %exp.1), metadata={op_name="jit(scores)/mul" source_file="/home/u/train.py" source_line=5}
}

ENTRY %main (x: f32[8,4], w: f32[4,2]) -> f32[8,2] {
  %x = f32[8,4]{1,0} parameter(0)
  %w = f32[4,2]{1,0} parameter(1)
  %dot.1 = f32[8,2]{1,0} dot(%x, %w), lhs_contracting_dims={1}, rhs_contracting_dims={0}, metadata={op_name="jit(scores)/dot_general" source_file="/home/u/train.py" source_line=5}
  %copy.1 = f32[8,2]{1,0} copy(%dot.1)
  ROOT %exp_fusion = f32[8,2]{1,0} fusion(%copy.1), kind=kLoop, calls=%fused_computation, metadata={op_name="jit(scores)/exp" source_file="/home/u/train.py" source_line=5}
}
"""
TAGGED = OPTIMIZED.replace("jit(scores)/exp", "jit(scores)/xs1_/exp").replace("jit(scores)/dot", "jit(scores)/xs0_/dot")
BEFORE_FUSION = """HloModule jit_scores, entry_computation_layout={(f32[8,4]{1,0}, f32[4,2]{1,0})->f32[8,2]{1,0}}

ENTRY %main (x: f32[8,4], w: f32[4,2]) -> f32[8,2] {
  %x = f32[8,4]{1,0} parameter(0)
  %w = f32[4,2]{1,0} parameter(1)
  %dot.1 = f32[8,2]{1,0} dot(%x, %w), lhs_contracting_dims={1}, rhs_contracting_dims={0}, metadata={op_name="jit(scores)/xs0_/dot_general" source_file="/home/u/train.py" source_line=5}
  %copy.1 = f32[8,2]{1,0} copy(%dot.1)
  %exp.0 = f32[8,2]{1,0} exponential(%copy.1), metadata={op_name="jit(scores)/xs1_/exp" source_file="/home/u/train.py" source_line=5}
  ROOT %mul.0 = f32[8,2]{1,0} multiply(%exp.0, %exp.0), metadata={op_name="jit(scores)/mul" source_file="/home/u/train.py" source_line=5}
}
"""
T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


KERNEL = "; ===== exp_fusion_kernel_module\ndefine ptr @exp_fusion(ptr %0) {\n  ret ptr null\n}\n\n"


def program_body(name: str, **more: object) -> dict[str, object]:
    function = name.partition("#")[0]
    return {
        "id": name, "function": function, "function_id": function, "how": "jit", "signature": "f32[8,4], f32[4,2]",
        "equations": 2, "file": SCRIPT, "line": 3, "device_count": 1, "platform": "cpu", "callbacks": False,
        "ordered": False, "statics": [], "inputs": [{"bytes": 128}, {"bytes": 32}], "outputs": [{"bytes": 64}], **more,
    }  # fmt: skip


def put_passes(writer: Writer, program: str, snapshots: list[tuple[str, str]], tagged: bool = True) -> None:
    """A collection of passes, as a lab sends it."""
    store = LineStore()
    entries = [{"index": at, "step": step, "text": store.add(text.encode())} for at, (step, text) in enumerate(snapshots)]
    lines, rows = store.packed()
    body = {"snapshots": entries, "lines": store.counts(), "module": "jit_scores", "compile_ns": 5 * SECOND,
            "notes": [], "tagged": tagged}  # fmt: skip
    writer.put("passes", body, {"lines": lines, "rows": rows, "events": b"[]"}, program=program)


def small_run(path: Path, *, end: bool = True) -> Path:
    """One function of two programs, an eager primitive, output, losses: everything but profiles."""
    with_writer = Writer(path)
    put = with_writer.put
    put("run", {"script": SCRIPT, "module": None, "argv": ["--steps", "3"], "python": "/usr/bin/python",
                "started_ns": T0, "machine": {"os": "Linux", "cpu": "a cpu", "cores": 2, "memory_bytes": 1 << 33}},
        t_ns=T0)  # fmt: skip
    put("env", {"python": "3.12.1", "jax": "0.12.0", "jaxlib": "0.12.0", "variables": {}, "x64": False,
                "platform": None, "devices": None})  # fmt: skip
    put("env", {"python": "3.12.1", "jax": "0.12.0", "platform": "cpu",
                "devices": [{"id": 0, "kind": "cpu", "platform": "cpu"}]})  # fmt: skip
    put("phase", {"name": "import jax", "start_ns": T0, "ns": SECOND})
    for start in (0, SECOND // 2):
        put("phase", {"name": "trace", "start_ns": T0 + SECOND + start, "ns": SECOND})
    put("function", {"id": "scores", "name": "scores", "file": SCRIPT, "line": 3, "last_line": 5, "library": False})
    put("function", {"id": "never", "name": "never", "file": SCRIPT, "line": 9, "last_line": 9, "library": False})
    put("source", {"file": SCRIPT}, {"text": SOURCE.encode()})
    for name in ("scores#1", "scores#2"):
        put("program", program_body(name), program=name, t_ns=T0 + 2 * SECOND)
    put("program", program_body("add#1", how="eager", function="add", function_id=None), program="add#1")
    put("stage", {"stage": "jaxpr"}, {"text": JAXPR.encode(), "equations": json.dumps(EQUATIONS).encode()},
        program="scores#1")  # fmt: skip
    put("stage", {"stage": "stablehlo"}, {"text": b"module @jit_scores {}", "bytecode": b"ML"}, program="scores#1")
    put("stage", {"stage": "optimized"}, {"text": OPTIMIZED.encode()}, program="scores#1")
    put_passes(with_writer, "scores#1", [("scores.after_pipeline-start.before_fusion", BEFORE_FUSION),
                                        ("scores.after_fusion.before_pipeline-end", TAGGED)])  # fmt: skip
    put("machine", {"module": "jit_scores", "objects": []}, {"text": KERNEL.encode(), "before": KERNEL.encode()},
        program="scores#1")  # fmt: skip
    put("args", {"state": "recorded", "leaves": []}, program="scores#1")
    put("compile", {"name": "scores", "file": SCRIPT, "line": 3, "reason": "first call", "trace_ns": 10, "lower_ns": 20,
                    "compile_ns": 30, "program": "scores#1", "eager": False, "cache": None}, program="scores#1",
        t_ns=T0 + 3 * SECOND)  # fmt: skip
    put(
        "compile",
        {
            "name": "scores",
            "file": SCRIPT,
            "line": 3,
            "reason": "shape",
            "trace_ns": 1,
            "lower_ns": 2,
            "compile_ns": 3,
            "program": "scores#2",
            "eager": False,
            "cache": "hit",
        },
        program="scores#2",
    )
    put("compile", {"name": "add", "file": SCRIPT, "line": 7, "reason": None, "trace_ns": None, "lower_ns": None,
                    "compile_ns": 5, "program": None, "eager": True, "cache": None})  # fmt: skip
    put("eager", {"name": "add", "file": SCRIPT, "line": 7, "count": 3, "exact": True})
    put("eager", {"name": "add", "file": SCRIPT, "line": 7, "count": 33, "exact": True})
    put("eager", {"name": "sub", "file": SCRIPT, "line": 8, "count": 2, "exact": False})
    put("calls", {"program": "scores#1", "hook_calls": 1})
    put("calls", {"program": "scores#2", "hook_calls": 1})
    put("not_captured", {"name": "f", "file": SCRIPT, "line": 9, "reason": "compiled in a child process"})
    put("child", {"pid": 12, "argv": ["ls", "a b"], "how": "subprocess"})
    put("dropped", {"what": "programs", "count": 2, "why": "full"})
    put("dropped", {"what": "programs", "count": 3, "why": "full"})
    for stream, data in (("stdout", b"caf\xc3"), ("stderr", b"warn\n"), ("stdout", b"\xa9\n")):
        with_writer.chunk("output", data, {"stream": stream, "t_ns": T0})
    if end:
        times = {"wall_ns": 5 * SECOND, "ended_ns": T0 + 5 * SECOND}
        put("end", {"state": "ended", "exit_code": 7, "signal": None, **times})
    with_writer.close()
    return path
