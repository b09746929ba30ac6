"""Commands that only read files start without what they do not need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.traces.test_profile_fuzz import small_cpu


def told(code: str, *arguments: str, **environment: str) -> str:
    every = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | environment
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=every
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted as Linux tells them")
def test_numpy_starts_no_threads_and_the_environment_stays() -> None:
    code = (
        "import os, sys\nfrom xlascope.cli.quick_start import imports\n"
        "with imports(): import xlascope.views\n"
        "print('numpy' in sys.modules, os.environ.get('OPENBLAS_NUM_THREADS'), len(os.listdir('/proc/self/task')))"
    )
    assert told(code) == "True None 1"
    assert told(code, OPENBLAS_NUM_THREADS="1") == "True 1 1"


def test_the_ops_of_a_profile_need_no_graph_on_a_screen_no_passes_and_no_writer(tmp_path: Path) -> None:
    profile = tmp_path / "small.xplane.pb"
    profile.write_bytes(small_cpu())
    code = (
        "import sys\nfrom xlascope.cli.main import main\n"
        "assert main(['show', sys.argv[1], 'ops']) == 0\n"
        "print(sorted(set(sys.modules) & {'xlascope.graphs.layout', 'xlascope.graphs.jaxpr', 'xlascope.ir.passes',"
        " 'xlascope.ir.machine', 'xlascope.runfile.writer', 'xlascope.views.filtering', 'xlascope.session.plan',"
        " 'numpy.ma', 'tempfile', 'textual', 'jax'}))"
    )
    assert told(code, str(profile)) == "[]"
