"""The recorder and its keeper: commands, staying, limits, and a keeper that goes away."""

from __future__ import annotations

import json
import socket
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import command, plain, record, stop

from xlascope.protocol.frames import Message

LOOP = """
import sys, time
import jax, jax.numpy as jnp
@jax.jit
def step(x):
    return jnp.tanh(x) * 2
x = jnp.ones((4, 4))
"""


def write(folder: Path, body: str, head: str = LOOP) -> str:
    (folder / "script.py").write_text(head + textwrap.dedent(body))
    return "script.py"


class Keeper:
    """Sends commands when it sees a message, and stops the recorder when all are answered."""

    def __init__(self, when: str, *commands: dict[str, Any]) -> None:
        self.when, self.commands, self.left = when, commands, len(commands)

    def __call__(self, message: Message, sock: socket.socket) -> None:
        if message.kind == self.when and self.commands:
            for number, each in enumerate(self.commands, 1):
                command(sock, number, **each)
            self.commands = ()
        if message.kind == "result":
            self.left -= 1
        if message.kind in {"result", "idle"} and not self.left:
            stop(sock)


def test_stay_serves_after_the_script(tmp_path: Path) -> None:
    script = write(tmp_path, "step(x)\nprint('done')\nsys.exit(6)")
    keeper = Keeper(
        "idle",
        {"do": "collect", "program": "step#1", "what": "optimized"},
        {"do": "collect", "program": "step#1", "what": "stages"},
        {"do": "collect", "program": "step#1", "what": "artifact", "platform": "cpu"},
        {"do": "collect", "program": "nothing#1", "what": "stages"},
        {"do": "collect", "program": "step#1", "what": "riches"},
        {"do": "dance"},
        {"do": "collect", "what": "stack"},
    )
    got = record(script, cwd=tmp_path, stay=True, on_message=keeper)
    assert (got.code, got.out, got.err) == (6, b"done\n", b"")
    assert got.one("idle").body["exit_code"] == 6
    assert [got.one("result", id=k).body["ok"] for k in range(1, 8)] == [True, True, True, False, False, False, True]
    assert "nothing#1" in got.one("result", id=4).body["error"]
    assert got.stage("step#1", "optimized") == got.of("stage", program="step#1", stage="optimized")[0].blobs["text"].decode()
    artifact = got.one("artifact", program="step#1")
    from jax import export

    restored = export.deserialize(bytearray(artifact.blobs["data"]))
    assert np.allclose(restored.call(np.ones((4, 4), np.float32))[0], np.tanh(1) * 2)
    assert got.messages[-1].kind == "bye"


def test_jit_off_is_measured_in_the_recorder(tmp_path: Path) -> None:
    script = write(tmp_path, "step(x)")
    keeper = Keeper(
        "idle", {"do": "measure", "program": "step#1", "switches": {"jit": "off"}, "budget_s": 0.3, "profile": False}
    )
    got = record(script, cwd=tmp_path, stay=True, on_message=keeper)
    result = got.one("result").body
    assert result["ok"], result
    assert result["median_ns"] > 0 and len(result["equation_ns"]) == 2
    assert [m.body["id"] for m in got.of("program", how="jit")] == ["step#1"], "what it compiles is not recorded"


def test_stay_without_jax(tmp_path: Path) -> None:
    script = write(tmp_path, "print('plain')", head="")
    got = record(script, cwd=tmp_path, stay=True, on_message=Keeper("idle"))
    assert (got.code, got.out) == (0, b"plain\n")
    assert got.one("idle").body["exit_code"] == 0


def test_the_traceback_is_printed_before_serving(tmp_path: Path) -> None:
    script = write(tmp_path, "step(x)\nraise ValueError('end')")
    got = record(script, cwd=tmp_path, stay=True, on_message=Keeper("idle"))
    expected = plain(script, cwd=tmp_path)
    assert (got.code, got.err) == (1, expected.err)
    assert got.one("idle").body["exit_code"] == 1
    assert got.one("exception").body["text"] == expected.err.decode()


def test_commands_are_served_while_the_script_runs(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import os
        step(x)
        while not os.path.exists('go'):
            for _ in range(20): x = step(x)
            x.block_until_ready()
        print('went')
        """,
    )

    def keeper(message: Message, sock: socket.socket) -> None:
        if message.kind == "stage" and message.body["stage"] == "optimized":
            command(sock, 1, "collect", what="stack")
        if message.kind == "result":
            (tmp_path / "go").touch()

    got = record(script, cwd=tmp_path, on_message=keeper)
    assert got.out == b"went\n"
    assert "script.py" in got.one("result").body["stack"]


@pytest.mark.parametrize("when", ["hello", "program", "chunk"])
def test_a_keeper_that_goes_away_changes_nothing(when: str, tmp_path: Path) -> None:
    script = write(tmp_path, "for i in range(3): x = step(x); print(float(x[0, 0]))\njax.jit(lambda y: y + 1)(x)")

    def keeper(message: Message, sock: socket.socket) -> None:
        if message.kind == when:
            sock.shutdown(socket.SHUT_RDWR)

    got = record(script, cwd=tmp_path, stay=True, on_message=keeper)
    expected = plain(script, cwd=tmp_path)
    assert (got.code, got.out, got.err) == (expected.code, expected.out, expected.err)


@pytest.mark.parametrize(
    ("config", "state", "why"),
    [
        ({"args": "none"}, "none", None),
        ({"args": "specs"}, "synthetic", "--args specs"),
        ({"args_limit": 63}, "synthetic", "limit for one program"),
        ({"args_total": 63}, "synthetic", "limit for the run"),
        ({}, "recorded", None),
    ],
)
def test_policies_of_arguments(config: dict[str, Any], state: str, why: str | None, tmp_path: Path) -> None:
    got = record(write(tmp_path, "step(x)"), cwd=tmp_path, profile_window=0, source=False, **config)
    args = got.one("args", program="step#1")
    assert args.body["state"] == state
    assert bool(args.blobs) == (state == "recorded")
    if why is not None:
        assert why in args.body["leaves"][0]["why_not"]
    assert not got.of("source") and not got.of("chunk")


def test_large_arguments_are_copied_later_and_a_donation_in_between_is_told(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        big = jnp.arange(1 << 19, dtype=jnp.float32)
        jax.jit(lambda b: b.sum())(big)
        gone = jnp.ones(1 << 19)
        jax.jit(lambda g: g.max())(gone)
        jax.jit(lambda g: g * 2, donate_argnums=0)(gone)
        """,
    )
    got = record(script, cwd=tmp_path)
    first, second, third = (got.one("args", program=f"<lambda>#{k}") for k in (1, 2, 3))
    assert np.array_equal(np.frombuffer(first.blobs["a0"], np.float32), np.arange(1 << 19))
    assert third.body["state"] == "recorded" and np.frombuffer(third.blobs["a0"], np.float32).max() == 1
    if second.body["state"] == "synthetic":
        assert "donated" in second.body["leaves"][0]["why_not"]
    else:
        assert np.frombuffer(second.blobs["a0"], np.float32).min() == 1


def test_sharded_arguments_are_gathered(tmp_path: Path) -> None:
    head = "import jax\njax.config.update('jax_num_cpu_devices', 8)\nimport numpy as np\n"
    script = write(
        tmp_path,
        """
        from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
        mesh = jax.make_mesh((4, 2), ("x", "y"), axis_types=(AxisType.Auto, AxisType.Auto))
        a = jax.device_put(np.arange(64, dtype=np.float32).reshape(8, 8), NamedSharding(mesh, P("x", "y")))
        f = jax.jit(lambda a: (a @ a).sum())
        print(float(f(a)))
        """,
        head=head,
    )
    got = record(script, cwd=tmp_path)
    assert got.code == 0, got.err
    program = next(m.body for m in got.of("program") if m.body["how"] == "jit")
    assert (program["mesh"], program["device_count"], program["platform"]) == ({"x": 4, "y": 2}, 8, "cpu")
    assert "'x', 'y'" in program["inputs"][0]["sharding"]
    args = got.one("args", program=program["id"])
    assert np.array_equal(np.frombuffer(args.blobs["a0"], np.float32), np.arange(64))
    assert len(got.of("env")[-1].body["devices"]) == 8


def test_a_killed_run_has_what_was_sent_before_the_execution(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import os, signal, numpy as np
        def die(v): os.kill(os.getpid(), signal.SIGKILL)
        jax.block_until_ready(jax.jit(lambda z: jax.pure_callback(die, z, z))(x))
        """,
    )
    got = record(script, cwd=tmp_path)
    assert got.code == -9
    program = got.one("program", how="jit").body["id"]
    assert {m.body["stage"] for m in got.of("stage", program=program)} >= {"jaxpr", "stablehlo", "optimized"}
    assert got.of("executable", program=program)


def test_a_hundred_thousand_equations_do_not_hold_up_the_script(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        def many(v):
            for _ in range(25_000): v = v + 1.5
            return v
        l = jax.jit(many).lower(1.0)
        print('lowered')
        """,
    )
    got = record(script, cwd=tmp_path, finish_budget=60.0)
    assert got.out == b"lowered\n"
    assert got.one("program", how="aot").body["equations"] == 25_000
    rows = json.loads(got.stage("many#1", "jaxpr", "equations"))
    assert len(rows) == 25_000 and rows[-1]["text_line"] is not None


def test_children_run_plain_and_own_no_socket(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import os, subprocess
        step(x)
        print(subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv)'], capture_output=True).stdout)
        sys.stdout.flush()
        subprocess.run([sys.executable, '-c', 'pass'], preexec_fn=os.getpid)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        print(float(step(x)[0, 0]))
        """,
    )
    got, expected = record(script, cwd=tmp_path), plain(script, cwd=tmp_path)
    assert (got.code, got.out) == (expected.code, expected.out)
    assert [m.body["how"] for m in got.of("child")] == ["subprocess", "subprocess", "fork"]
    assert got.messages[-1].kind == "bye"


def test_processes_of_multiprocessing_are_listed_with_their_pid(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import multiprocessing, os
        from concurrent.futures import ProcessPoolExecutor
        if __name__ == "__main__":
            spawn, server = multiprocessing.get_context("spawn"), multiprocessing.get_context("forkserver")
            for context in (spawn, server, multiprocessing.get_context("fork")):
                process = context.Process(target=print, args=(context.get_start_method(),))
                process.start()
                sys.stderr.write(f"{process.pid} ")
                process.join()
                assert process.exitcode == 0 and not multiprocessing.active_children()
            with ProcessPoolExecutor(1, mp_context=spawn) as pool:
                sys.stderr.write(str(pool.submit(os.getpid).result()))
        """,
        head="import sys\n",
    )
    got = record(script, cwd=tmp_path)
    assert (got.code, got.out) == (0, b"spawn\nforkserver\nfork\n"), got.err
    spawned, served, _, pooled = map(int, got.err.split())
    told = [(m.body["how"], m.body["pid"]) for m in got.of("child")]
    assert told == [("spawn", spawned), ("forkserver", served), ("fork", None), ("spawn", pooled)]
    argv = got.of("child")[0].body["argv"]
    assert argv[0] == sys.executable and any("spawn_main" in word for word in argv)


def test_workers_of_joblib_are_listed(tmp_path: Path) -> None:
    """loky starts them by a call that raises no event; a stand-in of the module that does it is enough here."""
    folder = tmp_path / "loky" / "backend"
    folder.mkdir(parents=True)
    (folder / "popen_loky_posix.py").write_text(
        "class Popen:\n    method, pid, sentinel, returncode = 'loky', 4242, 0, 0\n"
        "    def __init__(self, process): pass\n    def poll(self, flag=0): return 0\n"
        "    def wait(self, timeout=None): return 0\n"
    )
    script = write(
        tmp_path,
        """
        from multiprocessing.process import BaseProcess
        class Worker(BaseProcess):
            @staticmethod
            def _Popen(process):
                from loky.backend.popen_loky_posix import Popen
                return Popen(process)
        step(x)
        Worker(target=print).start()
        """,
    )
    got = record(script, cwd=tmp_path)
    assert got.code == 0
    assert [(m.body["how"], m.body["pid"]) for m in got.of("child")] == [("loky", 4242)]
