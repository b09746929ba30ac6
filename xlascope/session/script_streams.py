"""A script's streams at work: what it writes goes to whoever listens and to the user, what is typed goes to it."""

from __future__ import annotations

from collections.abc import Callable

from xlascope.session.loop import Loop
from xlascope.session.streams import Sink, Source
from xlascope.session.takeover import Takeover
from xlascope.session.terminal import UserTerminal, set_line_endings, set_size
from xlascope.session.wiring import Wiring


class ScriptStreams:
    """``on_output(stream, data)`` is called for each piece, after its copy was given to the user's own stream."""

    def __init__(self, loop: Loop, wiring: Wiring, on_output: Callable[[str, bytes], None]) -> None:
        self._loop = loop
        self._on_output = on_output
        self._master = wiring.master
        self._sources: list[Source] = []
        self._sinks: list[Sink] = []
        self._line_endings = wiring.user is None or wiring.user.raw
        self.user: UserTerminal | None = wiring.user
        for stream, fd, user in wiring.outs:
            self._connect(stream, fd, user)
        self._takeover = _takeover(wiring)
        self._keys = None if wiring.master is None else Sink(loop, wiring.master, shared=False)

    @property
    def waiting(self) -> bool:
        """Whether the user's side has not taken everything yet."""
        return any(sink.waiting for sink in self._sinks)

    def type(self, data: bytes) -> None:
        """Type on the script's terminal; nothing where it has none."""
        if self._keys is not None:
            self._keys.write(data)

    def set_window(self, size: bytes | None) -> None:
        """Tell the script's terminal its size, as `window_size` gives it."""
        if self._master is not None:
            set_size(self._master, size)

    def own_line_endings(self) -> None:
        """The user's terminal is raw now: the script's writes its own carriage returns."""
        if self._master is not None and not self._line_endings:
            self._line_endings = True
            set_line_endings(self._master, True)

    def drain(self) -> None:
        """Take what the script has written by now."""
        for source in self._sources:
            source.drain()

    def end(self) -> None:
        """Read and type no more; what lives on of the script finds its streams as closed as its own end made them."""
        self._master = None
        if self._keys is not None:
            self._keys.close()
        for source in self._sources:
            source.close()
        if self._takeover is not None:
            self._takeover.dismiss()

    def give_up(self) -> None:
        """Write no more to the user."""
        for sink in self._sinks:
            sink.close()

    def _connect(self, stream: str, fd: int, user: int | None) -> None:
        sink: Sink | None = None

        def data(piece: bytes) -> None:
            if sink is not None:
                sink.write(piece)
            self._on_output(stream, piece)

        def broken() -> None:
            # The script gets the same broken pipe. A terminal that is gone hangs the script up by SIGHUP instead.
            if stream != "terminal":
                source.close()
                if self._takeover is not None:
                    self._takeover.release(fd)

        source = Source(self._loop, fd, data)
        if user is not None:
            sink = Sink(self._loop, user, on_broken=broken,
                        on_backlog=lambda full: source.pause() if full else source.resume())
            self._sinks.append(sink)
        self._sources.append(source)


def _takeover(wiring: Wiring) -> Takeover | None:
    """Where output is redirected, the script outlives a keeper that is killed; on a terminal alone it is hung up."""
    pairs = [(end, user) for _, end, user in wiring.outs if user is not None]
    if all(stream == "terminal" for stream, _, user in wiring.outs if user is not None):
        return None
    try:
        return Takeover(pairs)
    except OSError:
        return None  # no more processes: then the script's output ends with the keeper
