"""`record`: a keeper in the main thread, between the script and the user's own terminal and streams."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable
from types import FrameType

from xlascope.session.keeper import Keeper
from xlascope.session.loop import READ
from xlascope.session.script_streams import ScriptStreams
from xlascope.session.terminal import UserTerminal, suspend_self

# What `kill` sends to the process that the user sees is meant for the script.
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_OWN = (signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP)
_FOREGROUND_EVERY_S = 1.0


class Relay:
    """Runs a keeper to its end: keys, window size, job control and signals reach the script, output the user."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._loop = keeper.loop
        self._arrived: deque[int] = deque()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._user: UserTerminal | None = None
        self._terminated = False
        self._ignored: frozenset[int] = frozenset()

    def run(self) -> int:
        """Returns the exit code to end with: the script's own, or 128 + the signal that killed it."""
        self._keeper.on_stopped = lambda number: self._suspend()
        self._keeper.on_close = self._release
        self._keeper.subscribe(self._event)
        self._catch()
        try:
            self._keeper.run()
        finally:
            streams = self._keeper.streams
            if streams is not None and streams.user is not None:
                streams.user.leave()
        if self._keeper.signal_number is not None:
            return 128 + self._keeper.signal_number
        return self._keeper.exit_code if self._keeper.exit_code is not None else 4

    def _event(self, event: dict[str, object]) -> None:
        if event["kind"] == "state" and event["state"] == "ended":
            if self._user is not None:
                self._user.leave()
            if self._terminated:
                self._give_up()

    def started(self) -> None:
        """The script's process is there, with what it inherits: take the terminal, and the signals that we ignored."""
        for number in self._ignored:
            signal.signal(number, self._note)
        streams = self._keeper.streams
        if streams is not None and streams.user is not None:
            self._user = streams.user
            self._take_terminal()

    @property
    def _streams(self) -> ScriptStreams:
        assert self._keeper.streams is not None  # made before the loop turns
        return self._keeper.streams

    def _take_terminal(self) -> None:
        user = self._user
        if user is None or not user.reads or self._keeper.state == "ended":
            return
        if user.enter():
            self._streams.own_line_endings()
            self._loop.watch(0, READ, self._keys)
        else:
            self._loop.later(_FOREGROUND_EVERY_S, self._take_terminal)

    def _keys(self, _: int) -> None:
        try:
            data = os.read(0, 4096)
        except OSError:
            data = b""
        if data:
            self._streams.type(data)
        else:
            self._loop.forget(0)

    def _suspend(self) -> None:
        """The script was stopped: so is our job, until it is continued."""
        if self._user is not None:
            self._loop.forget(0)
            self._user.leave()
        suspend_self()
        self._resume()

    def _resume(self) -> None:
        if self._user is not None:
            self._take_terminal()
            self._streams.set_window(self._user.size())
        self._keeper.pass_on(signal.SIGCONT, True)

    # --- signals: Python runs the handlers in the main thread, which is this one; the loop acts on them

    def _catch(self) -> None:
        self._before = {number: signal.getsignal(number) for number in (*_PASSED_ON, *_OWN)}
        # `nohup`, or a shell's background job: the script inherits it, and may put a handler of its own in its place.
        ignored = {number for number, before in self._before.items() if before == signal.SIG_IGN}
        self._ignored = frozenset(ignored.intersection(_PASSED_ON))
        for number in self._before.keys() - ignored:
            signal.signal(number, self._note)
        self._wake_before = signal.set_wakeup_fd(self._loop.wake_fd, warn_on_full_buffer=False)
        self._loop.post(self.started)

    def _release(self) -> None:
        signal.set_wakeup_fd(self._wake_before)
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._arrived.append(number)
        self._loop.post_from_signal(self._act)

    def _act(self) -> None:
        while self._arrived:
            number = self._arrived.popleft()
            if number == signal.SIGWINCH:
                if self._user is not None:
                    self._streams.set_window(self._user.size())
            elif number == signal.SIGCONT:
                self._resume()
            elif number == signal.SIGTSTP:
                self._keeper.pass_on(signal.SIGSTOP, True)
                if self._user is None:
                    self._suspend()
            else:
                self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        if number in self._ignored:
            if self._keeper.state != "ended":
                self._keeper.pass_on(number, False)
            return
        if number in (signal.SIGTERM, signal.SIGHUP):
            self._terminated = True
        if self._keeper.state == "ended":
            self._give_up()
        # A key reaches the whole job, a `kill` one process; a hung-up terminal reaches the job too.
        cooked = self._user is None or not self._user.raw
        group = number == signal.SIGHUP or (number == signal.SIGINT and cooked and _in_front())
        self._keeper.pass_on(number, group)

    def _give_up(self) -> None:
        """Told to end, and the script has: do not wait for a reader of its output."""
        if self._keeper.streams is not None:
            self._keeper.streams.give_up()


def _in_front() -> bool:
    """Whether a Ctrl-C of some terminal would reach us."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
