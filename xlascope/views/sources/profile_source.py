"""A profile as a source: of one host or several, with the modules it holds itself or that a dump beside it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xlascope.ir import parse_hlo
from xlascope.traces import OpTimes, Problem, Profile, ProfileError, op_table, read_profile, side_by_side
from xlascope.traces.call_spans import call_spans
from xlascope.traces.wire import I64
from xlascope.views.cache import checkpoint
from xlascope.views.errors import ViewError
from xlascope.views.sources.dump import DumpModule
from xlascope.views.sources.executed import Executed, executed
from xlascope.views.sources.source import HloSource

_LARGE = 2_000_000
"""Events of a profile that is read again when another question comes: its columns are not kept."""


class ProfileSource(HloSource):
    """The profiles of one session, by host, and the dump that belongs to them.

    ``notes`` tell what else lay there. ``modules`` are those of the dump, of the profile's own HLO, and those of which
    nothing but times is known.
    """

    def __init__(
        self, path: Path, files: Mapping[str, Path], dump: tuple[DumpModule, ...] = (), notes: tuple[Problem, ...] = ()
    ) -> None:
        super().__init__(path, (), False)
        self.kind, self.says = "profile", "a profile"
        self.files = files
        self.notes = notes
        self._dump = dump

    def times(self, only: frozenset[int] | None = None) -> OpTimes:
        """The op times of all hosts, or of some programs alone. Raises ViewError (exit code 3)."""
        return self._session(only)[0]

    def calls(self) -> dict[int, list[I64]]:
        """Nanoseconds of single executions by program number, an array for each host."""
        found: dict[int, list[I64]] = {}
        for host in self.files:
            for number, spans in call_spans(self._profile(host)).items():
                found.setdefault(number, []).append(spans)
        return found

    @property
    def executed(self) -> Executed:
        """Which module the ops of each program belong to."""
        return self.memo("executed", lambda: executed(*self._session(None), self._dump, self._names, str(self.path)))

    @property
    def modules(self) -> tuple[DumpModule, ...]:
        """Those with times, the hottest first, then what else the dump or the profile holds."""
        return self.executed.modules

    def _names(self, module: DumpModule) -> frozenset[str] | None:
        place = module.stages.get("optimized")
        if place is None:
            return None
        try:
            return frozenset(self.large.get_or(("module", str(place)), lambda: parse_hlo(self.read(place))).names)
        except ViewError:
            return None  # the view of the text says what is wrong with it

    def _session(self, only: frozenset[int] | None) -> tuple[OpTimes, Mapping[int, bytes]]:
        return self.memo(("profile", only), lambda: self._read(only))

    def _read(self, only: frozenset[int] | None) -> tuple[OpTimes, Mapping[int, bytes]]:
        parts: dict[str, OpTimes] = {}
        protos: dict[int, bytes] = {}
        refused: list[Problem] = []
        for host in self.files:
            checkpoint()
            try:
                profile = self._profile(host)
            except ViewError as error:
                if len(self.files) == 1:
                    raise
                refused.append(Problem("unreadable", error.message, 1))
                continue
            parts[host] = op_table(profile if only is None else profile.of_programs(only))
            protos = {**profile.hlo_protos, **protos}
            del profile
        if not parts:
            raise ViewError(refused[0].text, f"None of the {len(self.files)} profiles can be read.", 3)
        found = side_by_side(parts)
        return replace(found, problems=(*found.problems, *refused, *self.notes)), protos

    def _profile(self, host: str) -> Profile:
        known = self.keep.get(("columns", host))
        if known is not None:
            return known
        file = self.files[host]
        try:
            profile = read_profile(file)
        except (ProfileError, OSError) as error:
            raise ViewError(f"{file}: not a profile that can be read: {error}", "", 3) from error
        if profile.events_total < _LARGE:
            self.keep.put(("columns", host), profile)
        return profile
