"""Why JAX compiled again: each compile against the earlier ones of the same function."""

from __future__ import annotations

import inspect
import operator
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import compat
from .signature import BY_JAX, Circumstances, Difference, Signature, differences, mesh_contexts

SEEN_SIGNATURES = 64
SEEN_FUNCTIONS = 4096
TOLD = 3
COMPARED = 3_000  # inputs
PARTS = 2  # of one transformation: programs that differ in their number of arrays
ANOTHER = "another {0} object"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something was compiled.

    ``cause`` is one word of: ``first``, ``function`` (a new function object of the same code), ``captured`` (one that
    holds other values), ``structure``, ``shape``, ``rank``, ``dtype``, ``weak type``, ``x64``, ``static``,
    ``sharding``, ``device``, ``donation``, ``config``, ``option``, ``parameters`` (of an eager primitive),
    ``equations``, ``how`` (ahead of time or by a call), ``cleared``, ``unknown``. ``against``: the earlier program
    compared with. ``body``: whether it is an eager primitive that was handed functions.
    """

    cause: str
    reason: str
    against: str | None = None
    difference: tuple[Difference, ...] = ()
    body: bool = False


@dataclass(slots=True)
class _Seen:
    earlier: list[tuple[Signature, Circumstances]] = field(default_factory=list)
    functions: dict[tuple[int, int, str], weakref.ref[Any]] = field(default_factory=dict)


class Reasons:
    """Explains a compile from the earlier signatures of the same function; bounded."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def explain(
        self,
        function_id: str,
        signature: Signature,
        fun: Any,
        eager: bool = False,
        circumstances: Circumstances | None = None,
        under: Sequence[str] = (),
    ) -> Cause:
        """Why this signature is compiled; remembers it. ``eager``: of a primitive, which is no function object.

        ``under``: the transformations that JAX dispatches it for, in the place of a call.
        """
        fun = None if eager else fun
        seen = self._seen.get(function_id)
        if seen is None:
            if len(self._seen) >= SEEN_FUNCTIONS:
                self._seen.pop(next(iter(self._seen)))
            seen = self._seen[function_id] = _Seen()
        case = _Case(
            seen.earlier, signature, circumstances or Circumstances(), fun is not None,
            fun is not None and _compiled(seen, fun, signature.program), tuple(under),
        )  # fmt: skip
        cause = replace(case.cause(), body=eager and bool(case.now.bodies))
        seen.earlier.append((signature, case.now))
        del seen.earlier[:-SEEN_SIGNATURES]
        if fun is not None:
            _remember(seen, fun, signature.program)
        return cause


def _under(transformations: Sequence[str]) -> str:
    """Words for the transformations a function is compiled under, which JAX compiles for each of them anew."""
    names = [name for name in transformations if name not in (compat.TRANSPOSE, compat.EVALUATED)]
    if not transformations:
        return ""
    if compat.EVALUATED in transformations:
        return " as a part of traced equations that JAX evaluates, compiled apart from its calls"
    at = f" under {' of '.join(names)}" if names else ""
    return at + (" in the backward pass" if compat.TRANSPOSE in transformations else ", compiled apart from its calls")


def _at(place: tuple[str, int, str] | None) -> str:
    return f"{place[0].rpartition('/')[2]}:{place[1]}" if place is not None else "?"


def _compiled(seen: _Seen, fun: Any, program: str) -> bool:
    """Whether this function object was compiled before: for this program, if any object was."""
    if any(old.program == program for old, _ in seen.earlier):
        return _knows(seen, fun, program)
    return _knows(seen, fun, "")


def _knows(seen: _Seen, fun: Any, program: str) -> bool:
    reference = seen.functions.get((*_token(fun), program))
    return reference is not None and reference() is _anchor(fun)


def _remember(seen: _Seen, fun: Any, program: str) -> None:
    """``fun`` as compiled for this program, and (as of none) for any."""
    for name in (program, ""):
        key = *_token(fun), name
        try:
            seen.functions.pop(key, None)
            seen.functions[key] = weakref.ref(_anchor(fun))
        except TypeError:
            return  # a callable that takes no weak reference: taken for a new one each time
    while len(seen.functions) > 2 * SEEN_SIGNATURES:
        seen.functions.pop(next(iter(seen.functions)))


def _token(fun: Any) -> tuple[int, int]:
    """Methods of one object are equal, and one to JAX, though each access makes a new one."""
    return (id(fun.__self__), id(fun.__func__)) if inspect.ismethod(fun) else (id(fun), 0)


def _anchor(fun: Any) -> Any:
    return fun.__self__ if inspect.ismethod(fun) else fun


@dataclass(frozen=True, slots=True)
class _Case:
    """One compile and what was compiled before it."""

    earlier: Sequence[tuple[Signature, Circumstances]]
    new: Signature
    now: Circumstances
    function_known: bool
    same_function: bool
    under: tuple[str, ...] = ()

    def cause(self) -> Cause:
        if not self.earlier:
            return Cause("first", f"first call{_under(self.under)}")
        if (twin := self._twin()) is not None:
            return self._told(differences(twin[0], self.new, twin[1], self.now), twin[0].program)
        counts = {len(old.inputs) for old, _ in self.earlier}
        if self.under and len(counts) < PARTS and len(self.new.inputs) not in counts:
            # Of a transformation JAX makes several programs, and nothing says which of them this is.
            return Cause("first", f"first call{_under(self.under)}, with {len(self.new.inputs)} arrays")
        if self.function_known and not self.same_function and (elsewhere := self._elsewhere()) is not None:
            return elsewhere
        equal = [each for each in self.earlier if each[0].program == self.new.program]
        if equal and equal[-1][0].how != self.new.how:
            before, now = equal[-1][0].how, self.new.how
            return Cause("how", f"compiled by {before} before, now by {now}", self.new.program)
        # Of functions with many leaves the newest few: the search is to stay below a millisecond.
        looked_at = self.earlier[-max(COMPARED // max(len(self.new.inputs), 1), 4) :]
        nearest, was = min(reversed(looked_at), key=self._distance)
        changes = differences(nearest, self.new, was, self.now)
        if not changes:
            return self._unlike(equal, nearest, was)
        if self.new.how == "eager":
            changes = _of_primitive(changes)
        return self._told(changes, nearest.program)

    def _twin(self) -> tuple[Signature, Circumstances] | None:
        """What was compiled in this one's place for arguments of another structure, under the same transformations.

        Of some JAX makes several programs; it makes them in the same order for each structure.
        """
        now = self.now.tree
        trees = [was.tree for _, was in self.earlier]
        if not self.under or now is None or None in trees:
            return None
        others = [each for each, tree in zip(self.earlier, trees, strict=True) if tree != now]
        if not others:
            return None
        last = [each for each in others if each[1].tree == others[-1][1].tree]
        place = trees.count(now)
        return last[place] if place < len(last) else None

    def _elsewhere(self) -> Cause | None:
        """A function object jitted at a line of its own, and no program compiled before: nothing is made again."""
        made = self.now.made
        if made is None or any(
            was.made in (None, made) or old.program == self.new.program for old, was in self.earlier
        ):
            return None
        return Cause("first", f"first call of what is jitted at {_at(made)}")

    def _told(self, changes: list[Difference], against: str) -> Cause:
        more = f"; and {len(changes) - TOLD} more" if len(changes) > TOLD else ""
        reason = "; ".join(each.text for each in changes[:TOLD]) + more
        return Cause(changes[0].part, reason, against, tuple(changes[:20]))

    def _distance(self, other: tuple[Signature, Circumstances]) -> int:
        """About how much of the key is other than it was; compared part by part, each as a whole."""
        old, was = other
        donated = any(map(operator.ne, old.donated, self.new.donated))
        parts = old.statics != self.new.statics, old.x64 != self.new.x64, donated
        now = self.now
        circumstances = was.tree != now.tree, was.options != now.options, was.given != now.given
        types = abs(len(old.inputs) - len(self.new.inputs)) + sum(map(operator.ne, old.inputs, self.new.inputs))
        types += sum(map(operator.ne, was.placed, self.now.placed))
        context = sum(map(operator.ne, was.context, self.now.context))
        return 4 * (types + sum(parts) + sum(circumstances) + context) + (old.equations != self.new.equations)

    def _unlike(self, equal: list[Any], nearest: Signature, was: Circumstances) -> Cause:
        """The same types, configuration and statics by their text: what else there is."""
        if self.new.how == "eager":
            return self._primitive(bool(equal), nearest, was)
        same = bool(equal) or nearest.equations == self.new.equations
        if self.function_known and not self.same_function:
            return self._new_function(same, nearest, was)
        objects = tuple(_other_objects(was, self.now))
        if objects:
            return self._told(list(objects), nearest.program)
        if not same:
            constants = _constants(was, self.now)
            what = f": {constants.text}" if constants else ": it reads more than its arguments"
            reason = f"traced to other equations{' after JAX cleared its cache' * (was.clears < self.now.clears)}{what}"
            return Cause("equations", reason, nearest.program, (constants,) if constants else ())
        return self._once_more(nearest, was)

    def _once_more(self, nearest: Signature, was: Circumstances) -> Cause:
        if was.clears < self.now.clears:
            return Cause("cleared", "compiled before with the same signature: JAX's cache was cleared", nearest.program)
        if self.now.bound is not None and self.new.how == "call":
            at = f" at {_at(self.now.made)}" if self.now.made is not None else ""
            reason = f"jit made again{at} of a method: each `object.method` is a new function object to JAX's cache"
            return Cause("function", reason, nearest.program)
        what = "JAX's cache was full, or its key differs in what is not recorded"
        return Cause("unknown", f"compiled before with the same signature: {what}", nearest.program)

    def _new_function(self, same: bool, nearest: Signature, was: Circumstances) -> Cause:
        made = self.now.made
        again = " (the jit, lambda or partial is made again)"
        if made is not None:
            other = was.made is not None and was.made[:2] != made[:2]
            again = f" (jitted at {_at(was.made)} and at {_at(made)})" if other else f" (jit made again at {_at(made)})"
        of = f", the method of another {self.now.bound} object" if self.now.bound else ""
        if same:
            return Cause("function", f"a new function object at the same line{of}{again}", nearest.program)
        changes = list(_captured_changes(was, self.now))
        if not changes and (constants := _constants(was, self.now)) is not None:
            changes = [constants]
        told = f": {'; '.join(each.text for each in changes[:TOLD])}" if changes else ""
        reason = f"a new function object at the same line{of} with other captured values{told}{again}"
        return Cause("captured", reason, nearest.program, tuple(changes))

    def _dispatched_for_another(self) -> Cause | None:
        """The same equations under other transformations: JAX keeps what it makes of a call for each of them apart."""
        alike = [(old, was) for old, was in self.earlier if old.program == self.new.program]
        if not alike or any(was.under == self.now.under for _, was in alike):
            return None
        before = _under(alike[-1][1].under).partition(",")[0] or " by a call"
        reason = f"first call{_under(self.now.under)}; the same equations were compiled before{before}"
        return Cause("first", reason, self.new.program)

    def _in_another_context(self, nearest: Signature, was: Circumstances) -> Cause:
        change = mesh_contexts(was, self.now)
        if change is None or was.clears < self.now.clears:
            return self._once_more(nearest, was)
        reason = f"the same primitive as within a transformation, where JAX's own context differs: {change.text}"
        return Cause("parameters", reason, nearest.program, (change,))

    def _primitive(self, same: bool, nearest: Signature, was: Circumstances) -> Cause:
        if same and was.clears < self.now.clears:
            return self._once_more(nearest, was)
        if self.now.bodies:
            own = dict.fromkeys(each for each in self.now.bodies if each != BY_JAX)
            bodies = ", ".join(own)
            if self.now.under or not own:
                of = f" from {bodies}" if own else ""
                reason = f"JAX makes its body anew{of} for each call{_under(self.now.under).partition(',')[0]}"
                return Cause("function", reason, nearest.program)
            if same:
                return Cause("function", f"a new function object for its body: {bodies}", nearest.program)
            constants = _constants(was, self.now)
            told = f": {constants.text}" if constants else ""
            reason = f"a new function object for its body, with other captured values{told}: {bodies}"
            return Cause("captured", reason, nearest.program, (constants,) if constants else ())
        if same:
            return self._dispatched_for_another() or self._in_another_context(nearest, was)
        constants = _constants(was, self.now)
        told = constants.text if constants else "parameters that differ in what is not shown"
        return Cause(
            "parameters", f"the same primitive with {told}", nearest.program, (constants,) if constants else ()
        )


def _of_primitive(changes: list[Difference]) -> list[Difference]:
    """What are static arguments of a function are parameters of a primitive; results tell where nothing else does."""
    found = []
    for each in changes:
        if each.part == "static":
            text = each.text.removeprefix("static argument ")
            each = Difference("parameters", each.name, each.before, each.after, text)
        found.append(each)
    return [each for each in found if each.name != "result"] or found


def _other_objects(was: Circumstances, now: Circumstances) -> list[Difference]:
    """Static arguments that look the same, yet are other objects."""
    before = {name: (kind, identity) for name, kind, _, identity in was.statics}
    found = []
    for name, kind, compares, identity in now.statics:
        if name not in before or before[name] == (kind, identity):
            continue
        why = "which is equal only to itself" if compares == "identity" else "which is not equal to the one before"
        text = f"static argument {name}: {ANOTHER.format(kind)}, {why}"
        found.append(Difference("static", name, f"<{before[name][0]}>", f"<{kind}>, {why}", text))
    return found


def _captured_changes(was: Circumstances, now: Circumstances) -> list[Difference]:
    before = {name: (text, identity) for name, text, identity in was.captured}
    found = []
    for name, text, identity in now.captured:
        old, old_identity = before.get(name, (None, None))
        if old is not None and old != text:
            found.append(Difference("captured", name, old, text, f"{name}: {old} → {text}"))
        elif old is not None and old_identity != identity and not _is_small(text):
            found.append(Difference("captured", name, old, f"another {text}", f"{name}: another {text}"))
    return found


def _is_small(text: str) -> bool:
    """Whether a value's text tells all of it, so that another object with the same text is equal."""
    return text.startswith(("'", '"')) or ("<" not in text and "array " not in text)


def _constants(was: Circumstances, now: Circumstances) -> Difference | None:
    """The first constant in the equations that is another one."""
    if len(was.literals) != len(now.literals):
        return None
    for old, new in zip(was.literals, now.literals, strict=True):
        if old != new:
            return Difference("constant", None, old, new, f"constant {old} → {new}")
    return None
