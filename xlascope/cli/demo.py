"""``xlascope demo NAME``: an example that ships, on the screen."""

from __future__ import annotations

from xlascope.cli.errors import CommandError
from xlascope.cli.live import need_screen, show_live
from xlascope.cli.options import Parsed, make_plan
from xlascope.demo import DEMOS, find


def main(argv: list[str]) -> int:
    """Returns 0 when the screen was left, 2 for a demo that there is not."""
    if argv and argv[0] in ("-h", "--help"):
        print(f"usage: xlascope demo [NAME]\n\n{listing()}")
        return 0
    name = argv[0] if argv else "softmax"
    demo = find(name)
    if demo is None:
        raise CommandError(f"demo {name}: there is none of that name\n{listing()}")
    parsed = Parsed({"--no-config": ""}, str(demo.path), None, tuple(argv[1:]))
    need_screen(f"record it with `xlascope record {demo.path}`")
    return show_live(make_plan(parsed, stay=True), note=demo.note)


def listing() -> str:
    """The demos, one a line."""
    width = max(len(demo.name) for demo in DEMOS)
    return "\n".join(f"  {demo.name:<{width}}  {demo.title}" for demo in DEMOS)
