"""A long campaign of damaged files, profiles and dumps in turn: python -m tests.damage [COUNT] [SEED] [PROFILE…]

Every view is asked of each. Ends with 1 and keeps the files at the first failure, or when one takes longer than SLOW_S.
"""

from __future__ import annotations

import faulthandler
import gzip
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.traces.build_space import SpaceBuilder, hlo_proto
from tests.traces.mutate import mutated
from tests.traces.test_profile_forms import buffered_space, cpu_op, marker, tpu_space
from tests.traces.xspace_proto import XSpace
from xlascope.report.as_json import dumps
from xlascope.report.text import render
from xlascope.views import VIEWS, ViewError, open_source, query
from xlascope.views.compare import compare
from xlascope.views.comparing.sides import open_sides

SLOW_S, HANGS_S = 10.0, 300.0
MODULE = "module_0003.jit_f"
BEFORE = """HloModule jit_f, entry_computation_layout={(f32[8]{0})->f32[8]{0}}

FileNames
1 "/home/me/train.py"

FunctionNames
1 "step"

FileLocations
1 {file_name_id=1 function_name_id=1 line=7 end_line=7 column=4 end_column=9}

StackFrames
1 {file_location_id=1 parent_frame_id=1}

add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT c = f32[] add(a, b)
}

ENTRY main {
  x = f32[8]{0} parameter(0), metadata={op_name="x"}
  dot = f32[] dot(x, x), lhs_contracting_dims={0}, rhs_contracting_dims={0}, metadata={op_name="dot" stack_frame_id=1}
  all = f32[] all-reduce(dot), replica_groups=[2,4]<=[4,2]T(1,0), to_apply=add
  ROOT op.0 = f32[8]{0} broadcast(all), dimensions={}
}
"""
AFTER = """HloModule jit_f, is_scheduled=true, entry_computation_layout={(f32[8]{0})->f32[8]{0}}

%fused (p: f32[8]) -> f32[8] {
  %p = f32[8]{0} parameter(0)
  ROOT %t = f32[8]{0} tanh(%p), metadata={op_name="jit(f)/tanh" source_file="/home/me/train.py" source_line=8}
}

%body (s: (s32[], f32[8])) -> (s32[], f32[8]) {
  %s = (s32[], f32[8]{0}) parameter(0)
  %g = s32[] get-tuple-element(%s), index=0
  %h = f32[8]{0} get-tuple-element(%s), index=1
  %op.1 = f32[8]{0} fusion(%h), kind=kLoop, calls=%fused
  ROOT %r = (s32[], f32[8]{0}) tuple(%g, %op.1)
}

%cond (s.1: (s32[], f32[8])) -> pred[] {
  %s.1 = (s32[], f32[8]{0}) parameter(0)
  ROOT %q = pred[] constant(false)
}

ENTRY %main (x: f32[8]) -> (s32[], f32[8]) {
  %x = f32[8]{0} parameter(0)
  %zero = s32[] constant(0)
  %in = (s32[], f32[8]{0}) tuple(%zero, %x)
  %op.2 = f32[8]{0} copy(%x)
  ROOT %op.0 = (s32[], f32[8]{0}) while(%in), condition=%cond, body=%body, backend_config={"known_trip_count":{"n":"5"}}
}
"""
STABLEHLO = """module @jit_f attributes {mhlo.num_partitions = 1 : i32} {
  func.func public @main(%arg0: tensor<8xf32>) -> (tensor<8xf32>) {
    %0 = stablehlo.tanh %arg0 : tensor<8xf32>
    return %0 : tensor<8xf32>
  }
}
"""


def cpu_space() -> SpaceBuilder:
    """Three ops, one of them a loop, with the HLO that says so."""
    builder = SpaceBuilder()
    proto = hlo_proto(
        "jit_f", {"body": [("op.1", "fusion", [])], "main": [("op.0", "while", ["body"]), ("op.2", "copy", [])]}
    )
    builder.plane("/host:metadata").event_id("jit_f(3)", stats={"Hlo Proto": proto, "program_id": 3})
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    for key in range(12):
        cpu_op(plane, line, f"op.{key % 3}", key * 100, key * 100 + 40, key=key + 1, run=key // 3)
        marker(plane, line, f"op.{key % 3}", key * 100 + 50, key=key + 1)
    return builder


def shortened(path: str) -> bytes:
    """A profile with the first events of each line only, so that many can be read."""
    space = XSpace.FromString(Path(path).read_bytes())
    for plane in space.planes:
        for line in plane.lines:
            del line.events[60:]
    return space.SerializeToString()


def forms(profiles: list[str]) -> list[dict[str, bytes]]:
    """Folders to damage: file names and what they hold."""
    cpu = cpu_space().bytes()
    proto = cpu_space().space.planes[0].event_metadata[0].value.stats[0].bytes_value
    packed = gzip.compress(BEFORE.encode())
    dump = {
        f"{MODULE}.before_optimizations.txt": BEFORE.encode(),
        f"{MODULE}.0000.simplify.after_pipeline-start.before_dce.txt": BEFORE.encode(),
        f"{MODULE}.0001.simplify.after_dce.before_fusion.txt": AFTER.encode(),
        f"{MODULE}.cpu_after_optimizations.txt": AFTER.encode(),
    }
    folders = [
        {"host.xplane.pb": cpu},
        dump,
        {"host.xplane.pb": cpu, **dump},
        {"host.xplane.pb": tpu_space().bytes()},
        {f"{MODULE}.cpu_after_optimizations.hlo.pb": proto},
        {"a.xplane.pb": cpu, "b.xplane.pb": buffered_space().bytes()},
        {"jax_ir0001_jit_f_compile.mlir": STABLEHLO.encode(), f"{MODULE}.cpu_after_optimizations.txt": AFTER.encode()},
        {"host.xplane.pb.gz": gzip.compress(cpu), f"{MODULE}.before_optimizations.txt.gz": packed},
    ]
    return [*folders, *({"host.xplane.pb": shortened(path), **dump} for path in profiles)]


def damaged(folder: dict[str, bytes], rng: np.random.Generator) -> dict[str, bytes]:
    """One file of a folder, or now and then each of them, with faults."""
    every = rng.uniform() < 0.2
    chosen = list(folder)[int(rng.integers(0, len(folder)))]
    return {name: mutated(data, rng) if every or name == chosen else data for name, data in folder.items()}


def survives(folder: Path) -> str:
    """Ask every view; returns what happened. Any exception but ViewError is a failure."""
    answered = 0
    try:
        with open_source(folder) as source:
            for view in VIEWS:
                if source.kind not in view.needs:
                    continue
                try:
                    answer = query(view.name, source)
                except ViewError as error:
                    assert error.exit_code in (2, 3)
                    continue
                assert dumps(view.name, answer)
                assert render(view.name, answer, width=80)
                answered += 1
        a, b = open_sides(str(folder), str(folder))
        with a.source, b.source:
            compare(a, b)
    except ViewError as error:
        assert error.exit_code == 3 and str(folder) in str(error)
        return "refused"
    return "answered" if answered else "opened"


def campaign(count: int, seed: int, profiles: list[str], place: Path, told: Callable[[int], None]) -> Counter[str]:
    """Damage `count` folders; what became of them. Raises what a view raised, with the files left in `place`."""
    rng = np.random.default_rng(seed)
    every = forms(profiles)
    outcome: Counter[str] = Counter()
    for number in range(count):
        if place.exists():
            shutil.rmtree(place)
        place.mkdir()
        for name, data in damaged(every[number % len(every)], rng).items():
            (place / name).write_bytes(data)
        faulthandler.dump_traceback_later(HANGS_S, exit=True)
        begun = time.process_time()
        outcome[survives(place)] += 1
        faulthandler.cancel_dump_traceback_later()
        took = time.process_time() - begun
        if took > SLOW_S:
            raise TimeoutError(f"one took {took:.1f} s")
        told(number)
    return outcome


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    done = 0

    def told(number: int) -> None:
        nonlocal done
        done = number + 1
        if done % 1000 == 0:
            print(f"{done} …", file=sys.stderr, flush=True)

    place = Path(tempfile.mkdtemp(prefix="damaged-")) / "files"
    try:
        outcome = campaign(count, seed, sys.argv[3:], place, told)
    except Exception:
        traceback.print_exc()
        print(f"number {done}: the files are kept in {place}")
        return 1
    shutil.rmtree(place.parent)
    print(f"{count} damaged folders: {dict(outcome)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
