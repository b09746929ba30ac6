"""Scripts that use jax: the same output as under plain Python, and exact facts about what was captured."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import both
from test_faithful import without

SCRIPTS: dict[str, str] = {
    "raises-in-jit": "import jax\n@jax.jit\ndef f(x):\n    return x.nothing\nf(1.0)\n",
    "raises-later": "import jax, jax.numpy as jnp\nprint(jax.jit(jnp.sin)(1.0))\ndef g(): raise OSError('late')\ng()\n",
    "bad-shapes": "import jax, jax.numpy as jnp\n@jax.jit\ndef f(x, y):\n    return x @ y\nf(jnp.ones((2, 3)), jnp.ones((2, 3)))\n",
    "not-an-array": "import jax\njax.jit(lambda x: x)('text')\n",
    "nans": "import jax, jax.numpy as jnp\njax.config.update('jax_debug_nans', True)\njax.jit(jnp.log)(-1.0)\n",
    "callback-raises": "import jax, jax.numpy as jnp, numpy as np\ndef bad(x): raise ValueError('from the host')\n"
    "try:\n    print(jax.jit(lambda x: jax.pure_callback(bad, x, x))(jnp.ones(2)))\n"
    "except Exception as e: print(type(e).__name__, 'from the host' in str(e))\n",
    "unfiltered": "import jax, traceback\njax.config.update('jax_traceback_filtering', 'off')\n"
    "try:\n    jax.jit(lambda x: x.nothing)(1.0)\nexcept AttributeError:\n    print(traceback.format_exc())\n",
    "devices-after-import": "import jax\njax.config.update('jax_num_cpu_devices', 8)\nprint(jax.devices())\n"
    "print(jax.pmap(lambda x: x + 1)(jax.numpy.arange(8)))\n",
    "variables-before-import": "import os\nos.environ['JAX_ENABLE_X64'] = '1'\n"
    "os.environ['XLA_FLAGS'] = '--xla_force_host_platform_device_count=3'\n"
    "import jax, jax.numpy as jnp\nprint(len(jax.devices()), jax.jit(lambda x: x * 2)(jnp.arange(3.0)).dtype)\n",
    "profiler": "import jax, tempfile, os\nd = tempfile.mkdtemp()\nf = jax.jit(lambda x: x * 2)\nf(1.0)\n"
    "with jax.profiler.trace(d):\n    f(2.0).block_until_ready()\nf(3.0)\n"
    "jax.profiler.start_trace(d)\nf(4.0)\njax.profiler.stop_trace()\n"
    "print(sum(n.endswith('.xplane.pb') for _, _, ns in os.walk(d) for n in ns) > 0)\n",
    "threads": "import jax, threading\nf = jax.jit(lambda x: x * 2)\nout = {}\n"
    "def work(i): out[i] = float(f(float(i)))\n"
    "ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]\n[t.start() for t in ts]\n[t.join() for t in ts]\n"
    "print(sorted(out.items()), [t.name for t in threading.enumerate()])\n",
    "interrupted": "import jax\nprint(jax.jit(lambda x: x + 1)(1.0))\nraise KeyboardInterrupt\n",
    "objects": "import jax\nf = jax.jit(lambda x: x)\nprint(type(f), f.lower, f.__wrapped__, jax.jit.__module__, jax.__spec__.name, type(jax.__spec__))\n"
    "import sys\nprint([type(m).__name__ for m in sys.meta_path])\n",
    "donated": "import jax, jax.numpy as jnp\nf = jax.jit(lambda x: x + 1, donate_argnums=0)\nx = jnp.ones(4)\ny = f(x)\nprint(x.is_deleted(), y)\ntry:\n    x + 1\nexcept RuntimeError as e:\n    print(e)\n",
    "reused-then-donated": "import jax, jax.numpy as jnp\nx = jnp.ones((1 << 20,))\nprint(jax.jit(lambda x: x.sum())(x))\n"
    "g = jax.jit(lambda x: x * 2, donate_argnums=0)\np = x.unsafe_buffer_pointer()\ny = g(x)\nprint(y.unsafe_buffer_pointer() == p, x.is_deleted())\n",
    "effects": "import jax, jax.numpy as jnp\nfrom jax.experimental import io_callback\n"
    "def show(x): print('host', x)\n@jax.jit\ndef f(x):\n    io_callback(show, None, x, ordered=True)\n    return x * 2\n"
    "for i in range(3): f(jnp.float32(i)).block_until_ready()\njax.effects_barrier()\n",
    "export-roundtrip": "import jax, jax.numpy as jnp\nfrom jax import export\ne = export.export(jax.jit(jnp.sin))(jax.ShapeDtypeStruct((3,), 'float32'))\n"
    "print(export.deserialize(e.serialize()).call(jnp.ones(3)))\n",
    "disable-jit": "import jax, jax.numpy as jnp\n@jax.jit\ndef f(x):\n    print('python', type(x).__name__)\n    return x + 1\nwith jax.disable_jit():\n    f(jnp.ones(2)); f(jnp.ones(2))\n",
    "lower-print": "import jax, jax.numpy as jnp\nf = jax.jit(lambda x: jnp.tanh(x) * 2)\nl = f.lower(jnp.ones(3))\nprint(l.as_text(debug_info=True))\nprint(l.compile().as_text())\n",
    "log-compiles": "import jax, jax.numpy as jnp, re\njax.config.update('jax_explain_cache_misses', True)\nf = jax.jit(lambda x: x)\nf(jnp.ones(2)); f(jnp.ones(3))\n",
    "fork-after": "import jax, os, warnings\nwarnings.simplefilter('always')\nprint(jax.__name__)\npid = os.fork()\nif pid == 0:\n    os._exit(3)\n"
    "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n",
    "spawn-jax": "import multiprocessing as mp\ndef f(x):\n    import jax\n    return float(jax.jit(lambda y: y * 2)(x))\nif __name__ == '__main__':\n"
    "    with mp.get_context('spawn').Pool(1) as p: print(p.map(f, [1.0]))\n",
    "find-spec-only": "import importlib.util, sys\ns = importlib.util.find_spec('jax')\nprint(s.name, 'jax' in sys.modules)\n",
    "import-fails": "import sys\nsys.modules['numpy'] = None\ntry:\n    import jax\nexcept ImportError as e:\n    print(type(e).__name__)\n",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_same_as_plain_python(name: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPTS[name])
    expected, got = both("script.py", cwd=tmp_path)
    assert (got.code, without(got.out), without(got.err)) == (
        expected.code,
        without(expected.out),
        without(expected.err),
    )
    assert got.messages[-1].kind == "bye"
    own = ("profile window", "closed while the script profiles by itself: calls meanwhile are not seen")
    assert set(got.dropped) == ({own} if name == "profiler" else set())
