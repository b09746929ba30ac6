"""A recorded script behaves as under plain Python: output, errors, exit code."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from harness import plain, record

WORLD = """
import sys, os
print(__name__, __file__, __spec__, __cached__, __package__, __doc__, __annotations__, list(globals())[:9])
print(type(__loader__).__name__, __loader__.name, __loader__.path, __builtins__)
print(sys.argv, sys.orig_argv[1:], sys.path[0], len(sys.path), sys.flags)
print(sys.modules["__main__"].__dict__ is globals(), [f.__class__ for f in sys.meta_path][-3:])
"""

SCRIPTS: dict[str, str] = {
    "world": WORLD,
    "main-guard": "if __name__ == '__main__':\n    print('main')\n",
    "exit-code": "import sys; print('x'); sys.exit(7)",
    "exit-text": "import sys; sys.exit('because')",
    "exit-none": "import sys; sys.exit()",
    "exit-big": "import sys; sys.exit(300)",
    "exit-object": "import sys\nclass E:\n    def __str__(self): return 'odd'\nsys.exit(E())",
    "raise-exit": "raise SystemExit(3)",
    "os-exit": "import os; print('lost'); os._exit(5)",
    "kill-9": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "abort": "import os; os.abort()",
    "raises": "def f(x):\n    return 1 / x\n\nf(0)\n",
    "raises-chain": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e\n",
    "raises-context": "try:\n    {}['a']\nexcept KeyError as e:\n    int('b')\n",
    "raises-group": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
    "raises-note": "e = ValueError('v'); e.add_note('a note'); raise e",
    "raises-recursion": "def f(): f()\nf()\n",
    "raises-stop-iteration": "raise StopIteration(4)",
    "raises-base": "class B(BaseException): pass\nraise B('x')",
    "keyboard": "raise KeyboardInterrupt",
    "keyboard-signal": "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('never')",
    "sigterm": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "handler": "import os, signal\nsignal.signal(signal.SIGTERM, lambda n, f: print('got', n, f.f_code.co_name))\n"
    "os.kill(os.getpid(), signal.SIGTERM)\nprint('on')",
    "excepthook": "import sys, traceback\ndef hook(t, v, tb):\n    print('hook', t, v, len(traceback.extract_tb(tb)))\n"
    "sys.excepthook = hook\ndef f(): raise ValueError('v')\nf()",
    "last-traceback": "import atexit, sys, traceback\n"
    "atexit.register(lambda: print(len(traceback.extract_tb(sys.last_traceback)), sys.last_value))\nraise ValueError(1)",
    "syntax": "x = (1,\ny = 2\n",
    "syntax-indent": "def f():\nreturn 1\n",
    "future": "from __future__ import annotations\ndef f(x: undefined): pass\nprint(f.__annotations__)",
    "no-future": "def f(x: 1 + 1): pass\nprint(f.__annotations__)",
    "input": "print(input('? '), input())\nimport sys; print(sys.stdin.read())",
    "input-eof": "for _ in range(9): input()",
    "breakpoint": "x = 3\nbreakpoint()\nprint('after')",
    "atexit": "import atexit\natexit.register(print, 'one')\natexit.register(print, 'two')\nprint('zero')",
    "atexit-file": "import atexit\natexit.register(lambda: print('__file__' in globals(), '__cached__' in globals()))",
    "atexit-raises": "import atexit\ndef f(): raise ValueError('late')\natexit.register(f)",
    "threads": "import threading\nprint([t.name for t in threading.enumerate()], threading.active_count())\n"
    "def f(): raise ValueError('in a thread')\nt = threading.Thread(target=f, name='mine'); t.start(); t.join()",
    "thread-outlives": "import threading, time\n"
    "threading.Thread(target=lambda: (threading.main_thread().join(), print('thread'))).start()\nprint('main')",
    "pickle": "import pickle\nclass A:\n    def __init__(self): self.x = 1\n"
    "b = pickle.dumps(A()); print(pickle.loads(b).x, A.__module__)",
    "inspect": "import inspect\ndef f(x):\n    return x  # a comment\nprint(inspect.getsource(f), inspect.getfile(f))",
    "linecache": "import linecache, sys\nprint(linecache.getline(__file__, 1))",
    "warn": "import warnings\nwarnings.warn('careful')\nwarnings.warn('old', DeprecationWarning)\n"
    "def f(): warnings.warn('caller', stacklevel=2)\nf()",
    "trace": "import sys\nseen = []\ndef tr(f, e, a):\n    seen.append((f.f_code.co_name, e)); return tr\n"
    "sys.settrace(tr)\ndef g():\n    return 1\ng()\nsys.settrace(None)\nprint(seen)",
    "caller": "import sys\ndef f(): return sys._getframe(1).f_code.co_name, sys._getframe(1).f_globals is globals()\nprint(f())",
    "stack": "import inspect, sys, traceback, warnings\nprint(sys._getframe().f_back, len(inspect.stack()))\n"
    "traceback.print_stack()\nwarnings.warn('top', stacklevel=2)\nwarnings.warn('beyond', stacklevel=3)\nsys._getframe(1)",
    "stack-logging": "import logging\ndef f(): logging.warning('x', stack_info=True)\nf()",
    "profiled-raise": "import sys\ndef f(): raise ValueError('x')\nsys.setprofile(lambda *a: None)\nf()",
    "profiled-exit": "import sys\nsys.setprofile(lambda *a: None)\nsys.exit(7)",
    "profiled-end": "import sys\nprint('x')\nsys.setprofile(lambda *a: None)",
    "traced-raise": "import sys\nsys.settrace(lambda *a: None)\nraise ValueError('x')",
    "traced-end": "import sys\nsys.settrace(lambda f, e, a: None)\nprint('x')",
    "pdb-up": "import pdb, sys\ndef f():\n    pdb.Pdb(stdin=sys.stdin, readrc=False).set_trace()\n    return 1\nf()",
    "profiled": "import cProfile\np = cProfile.Profile()\np.enable()\nsorted([2, 1])\nraise ValueError('x')",
    "exec": "g = {}; exec('def f():\\n  raise OSError(1)', g); g['f']()",
    "latin": "# -*- coding: latin-1 -*-\nprint('caf\xe9')\n",
    "subprocess": "import subprocess, sys\n"
    "print(subprocess.run([sys.executable, '-c', 'import sys, os; print(sys.argv, sorted(os.listdir(\"/proc/self/fd\")))'],"
    " capture_output=True, text=True).stdout)",
    "fork": "import os, sys\npid = os.fork()\nif pid == 0:\n    print('child', flush=True)\n    os._exit(3)\n"
    "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    "fork-exit": "import os, sys\nsys.stdout.flush()\npid = os.fork()\nif pid == 0:\n    sys.exit(4)\n"
    "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    "spawn": "import multiprocessing as mp\ndef f(x): return x * x\nif __name__ == '__main__':\n"
    "    with mp.get_context('spawn').Pool(1) as p: print(p.map(f, [1, 2]))\nelse:\n    print('imported as', __name__, flush=True)",
    "forkserver": "import multiprocessing as mp\ndef f(x): return x * x\nif __name__ == '__main__':\n"
    "    with mp.get_context('forkserver').Pool(1) as p: print(p.map(f, [1, 2]))",
    "mp-fork": "import multiprocessing as mp\ndef f(x): return x * x\nif __name__ == '__main__':\n"
    "    with mp.get_context('fork').Pool(1) as p: print(p.map(f, [1, 2]))",
    "stdout-closed": "import sys\nprint('x'); sys.stdout.close()",
    "stderr": "import sys\nprint('e', file=sys.stderr); print('o')",
    "escape": "print('\\x1b[31mred\\x1b[0m \\a')",
    "own-json": "import json, struct, socket, dataclasses\nprint(json.__name__)",
    "env": "import os\nprint(sorted(k for k in os.environ if 'XLAS' in k.upper()))",
    "modules": "import sys\nprint([m for m in ('jax', 'numpy', 'jaxlib', 'socket', 'json', 'dataclasses') if m in sys.modules])",
    "del-main": "import sys\ndel sys.modules['__main__']\nprint('gone')",
    "repl-exit": "exit(9)",
    "gc": "import gc\nclass A:\n    def __del__(self): print('deleted')\na = A()\na.a = a",
    "faulthandler": "import faulthandler\nfaulthandler.enable()\nprint('ok')",
}


def without(text: bytes) -> str:
    """Addresses differ from run to run, and what is below a script takes a few calls from its recursion limit."""
    text = re.sub(rb"0x[0-9a-f]{6,}|id=[0-9]+", b"0x", text)
    return re.sub(rb"repeated 99\d more times", b"repeated", text).decode()


@pytest.mark.parametrize("name", SCRIPTS)
def test_same_as_plain_python(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_bytes(SCRIPTS[name].encode("latin-1" if name == "latin" else "utf-8"))
    stdin = b"one\ntwo\nthree\n" if name.startswith("input") else b"p x\nc\n"
    argv = ["--flag", "a b", "-c", "é"]
    expected = plain("script.py", argv, cwd=tmp_path, stdin=stdin)
    got = record("script.py", argv, cwd=tmp_path, stdin=stdin)
    assert (got.code, without(got.out), without(got.err)) == (
        expected.code,
        without(expected.out),
        without(expected.err),
    )
    assert got.messages[0].body["kind"] == "hello"
    assert not got.dropped


@pytest.mark.parametrize("given", ["sub/script.py", "./sub/../sub/script.py", "link.py", "ABSOLUTE"])
def test_however_the_path_is_given(given: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    script = tmp_path / "sub" / "script.py"
    script.write_text(WORLD + "import beside; raise ValueError(beside.X)")
    (tmp_path / "sub" / "beside.py").write_text("X = 1")
    (tmp_path / "link.py").symlink_to(script)
    path = str(script) if given == "ABSOLUTE" else given
    expected, got = plain(path, cwd=tmp_path), record(path, cwd=tmp_path)
    assert (got.code, without(got.out), without(got.err)) == (
        expected.code,
        without(expected.out),
        without(expected.err),
    )


@pytest.mark.parametrize("module", ["package", "package.part", "package.nothing", "no_such", "package.raises"])
def test_modules(module: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("import sys; print('init', sys.argv)")
    (package / "__main__.py").write_text("from . import part" + WORLD.replace("__loader__.name", "__spec__.name"))
    (package / "part.py").write_text("import sys; print('part', __name__, __spec__.name, sys.argv, sys.path[0])")
    (package / "raises.py").write_text("def f(): raise ValueError('in a module')\nf()\n")
    expected, got = plain(None, ["x"], module=module, cwd=tmp_path), record(None, ["x"], module=module, cwd=tmp_path)
    assert (got.code, without(got.out), without(got.err)) == (
        expected.code,
        without(expected.out),
        without(expected.err),
    )


def test_pytest_as_a_module(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_a(): pass\ndef test_b(): assert 1 == 2\n")
    argv = ["-q", "-p", "no:cacheprovider", "--no-header", "test_it.py"]
    expected, got = plain(None, argv, module="pytest", cwd=tmp_path), record(None, argv, module="pytest", cwd=tmp_path)
    untimed = [text.rpartition(b" in ")[0] for text in (got.out, expected.out)]
    assert (got.code, untimed[0], got.err) == (expected.code, untimed[1], expected.err)


@pytest.mark.parametrize("kind", ["directory", "zip"])
def test_a_directory_or_zip_with_a_main(kind: str, tmp_path: Path) -> None:
    body = (
        "import sys, beside; print(sys.argv, sys.path[0], __name__, __package__, __file__); raise ValueError(beside.X)"
    )
    if kind == "directory":
        (tmp_path / "app").mkdir()
        (tmp_path / "app" / "__main__.py").write_text(body)
        (tmp_path / "app" / "beside.py").write_text("X = 1")
    else:
        with zipfile.ZipFile(tmp_path / "app", "w") as archive:
            archive.writestr("__main__.py", body)
            archive.writestr("beside.py", "X = 1")
    expected, got = plain("app", ["z"], cwd=tmp_path), record("app", ["z"], cwd=tmp_path)
    assert (got.code, without(got.out), without(got.err)) == (
        expected.code,
        without(expected.out),
        without(expected.err),
    )


@pytest.mark.parametrize(
    "source",
    [
        b"print('caf\xe9')\n",
        b"x = '\x00'\n",
        b"",
        b"\xef\xbb\xbfprint('bom')\n",
        b"#!/bin/sh\nprint(1)\r\nprint(2)\r\n",
    ],
)
def test_odd_bytes(source: bytes, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_bytes(source)
    expected, got = plain("script.py", cwd=tmp_path), record("script.py", cwd=tmp_path)
    assert (got.code, without(got.out), without(got.err)) == (
        expected.code,
        without(expected.out),
        without(expected.err),
    )


def test_compiled_and_absent_scripts(tmp_path: Path) -> None:
    import py_compile

    (tmp_path / "script.py").write_text(WORLD)
    py_compile.compile(str(tmp_path / "script.py"), cfile=str(tmp_path / "compiled.pyc"))
    for path in ("compiled.pyc", "nothing.py", "emptydir"):
        (tmp_path / "emptydir").mkdir(exist_ok=True)
        expected, got = plain(path, cwd=tmp_path), record(path, cwd=tmp_path)
        assert (got.code, without(got.out), without(got.err)) == (
            expected.code,
            without(expected.out),
            without(expected.err),
        ), path


def test_a_script_beside_modules_named_as_ours_use(tmp_path: Path) -> None:
    """A script's own ``json.py`` wins over the library's, as its folder comes first."""
    for name in ("json", "socket", "struct", "dataclasses", "traceback", "select"):
        (tmp_path / f"{name}.py").write_text(f"print('own {name}')")
    names = "json, socket, struct, dataclasses, traceback, select"
    (tmp_path / "script.py").write_text(f"import {names}\nprint('ok')")
    expected, got = plain("script.py", cwd=tmp_path), record("script.py", cwd=tmp_path)
    assert (got.code, without(got.out), without(got.err)) == (
        expected.code,
        without(expected.out),
        without(expected.err),
    )
    assert got.messages[-1].kind == "bye"


def test_a_script_without_jax_imports_neither_jax_nor_numpy(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import sys; print([m for m in sys.modules if m.partition('.')[0] in ('jax', 'numpy')])"
    )
    got = record("script.py", cwd=tmp_path)
    assert got.out == b"[]\n"
    assert [m.kind for m in got.messages] == ["hello", "spent", "bye"]


def test_the_exception_is_recorded_as_it_is_printed(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("def f(): raise ValueError('v')\nf()\n")
    got = record("script.py", cwd=tmp_path)
    assert got.one("exception").body["text"] == got.err.decode()
    assert got.one("exception").body["type"] == "ValueError"
