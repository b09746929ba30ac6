"""A run file with one program, a variant with samples, output and an exception, written without jax."""

from __future__ import annotations

import json
from array import array
from pathlib import Path

from fixed import _EQUATIONS, SOURCE, TEXTS

from xlascope.runfile import Writer


def write_run(path: Path) -> Path:
    """One program with its stages, a measured variant with samples, output, an exception."""
    equations = [
        {"path": path, "primitive": primitive, "inputs": [], "outputs": [], "file": SOURCE, "line": line,
         "function": "scores", "text_line": text_line}
        for path, primitive, line, text_line in _EQUATIONS
    ]  # fmt: skip
    writer = Writer(path)
    put = writer.put
    put("run", {"script": SOURCE, "argv": ["--steps", "3"], "started_ns": 10**18,
                "machine": {"os": "Linux", "cpu": "x", "cores": 2, "memory_bytes": 1 << 33}})  # fmt: skip
    put("env", {"jax": "0.12.0", "platform": "cpu", "devices": [{"id": 0, "kind": "cpu", "platform": "cpu"}]})
    put("phase", {"name": "import jax", "start_ns": 10**18, "ns": 10**9})
    put("function", {"id": 1, "name": "scores", "file": SOURCE, "line": 4, "last_line": 6, "library": False})
    put("source", {"file": SOURCE}, {"text": TEXTS["source"].encode()})
    put("program", {"id": "scores#1", "function": "scores", "function_id": 1, "kind": "jit", "equations": 10,
                    "signature": "f32[128,256], f32[256,64]", "file": SOURCE, "line": 4}, program="scores#1")  # fmt: skip
    put("stage", {"stage": "jaxpr"}, {"text": TEXTS["jaxpr"].encode(), "equations": json.dumps(equations).encode()},
        program="scores#1")  # fmt: skip
    put("stage", {"stage": "optimized"}, {"text": TEXTS["optimized"].encode()}, program="scores#1")
    put("compile", {"name": "scores", "file": SOURCE, "line": 4, "compile_ns": 7, "program": "scores#1",
                    "eager": False}, program="scores#1")  # fmt: skip
    put("eager", {"name": "add", "file": SOURCE, "line": 8, "count": 33, "exact": True})
    put("dropped", {"what": "output", "count": 3, "why": "too much"})
    put("exception", {"type": "ValueError", "text": "Traceback\nValueError: bad"})
    number = put("variant", {"id": 7, "switches": {"fusion": "off"}, "median_ns": 164, "ci_low_ns": 160,
                             "ci_high_ns": 168, "samples": 4, "baseline_median_ns": 124, "ratio": 1.32,
                             "ratio_ci_low": 1.29, "ratio_ci_high": 1.35, "verdict": "slower", "place": "recorder",
                             "args": "recorded"}, {"optimized": TEXTS["optimized"].encode()},
                 program="scores#1", variant="fusion=off")  # fmt: skip
    for what, values in (("variant", (160, 164, 168)), ("baseline", (120, 124, 128))):
        meta = {"what": what, "dtype": "<i8", "variant_record": number}
        writer.chunk("samples", array("q", values).tobytes(), meta, program="scores#1", variant="fusion=off")
    writer.chunk("output", b"step 1\n\x1b[31mred\x1b[0m\n", {"stream": "terminal", "t_ns": 10**18 + 5})
    put("end", {"state": "ended", "exit_code": 1, "wall_ns": 3 * 10**9, "ended_ns": 10**18 + 3 * 10**9})
    writer.close()
    return path
