"""The registry of actions: what a key, a palette entry or a click can do, told once.

Bindings, the help overlay and the command palette are all made from `ACTIONS`; a key is changed by its action's id.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the user can do.

    `scope` names the widget or screen that has the method `action_<method>`; `keys` are Textual key names,
    comma-separated, each one rebindable under `id`. `shown` puts it into the footer, `palette` into the palette.
    """

    id: str
    keys: str
    method: str
    description: str
    tooltip: str
    scope: str
    shown: bool = False
    palette: bool = False
    needs: str | None = None
    """A view that must exist for the action to exist, or None."""


def _list(name: str, keys: str, method: str, description: str, tooltip: str) -> Action:
    return Action(f"list.{name}", keys, method, description, tooltip, "list")


def _text(name: str, keys: str, method: str, description: str, tooltip: str) -> Action:
    return Action(f"text.{name}", keys, method, description, tooltip, "text")


def _table(name: str, keys: str, method: str, description: str, tooltip: str) -> Action:
    return Action(f"table.{name}", keys, method, description, tooltip, "table")


_MOVES = frozenset({"down", "up", "left", "right"})


def _graph(name: str, keys: str, method: str, description: str, tooltip: str) -> Action:
    return Action(f"graph.{name}", keys, method, description, tooltip, "graph", palette=name not in _MOVES)


def _passes(name: str, keys: str, method: str, description: str, tooltip: str, shown: bool = False) -> Action:
    return Action(f"passes.{name}", keys, method, description, tooltip, "passes", shown)


def _compare(name: str, keys: str, method: str, description: str, tooltip: str, shown: bool = True) -> Action:
    return Action(f"compare.{name}", keys, method, description, tooltip, "compare", shown)


def _views(name: str, keys: str, method: str, description: str, tooltip: str, shown: bool = True) -> Action:
    return Action(f"views.{name}", keys, method, description, tooltip, "views", shown)


def _main(
    name: str, keys: str, method: str, description: str, tooltip: str, shown: bool = False, palette: bool = True
) -> Action:
    return Action(f"main.{name}", keys, method, description, tooltip, "main", shown, palette)


ACTIONS: tuple[Action, ...] = (
    # the main screen
    _main("help", "question_mark,f1", "help", "help", "Keys and meaning of the focused pane", True),
    _main("pane", "tab", "pane(1)", "pane", "To the next pane", True, False),
    _main("pane_back", "shift+tab", "pane(-1)", "Pane before", "To the pane before", False, False),
    _main("show_1", "1", "show('jaxpr')", "jaxpr", "The equations that JAX traced"),
    _main("show_2", "2", "show('stablehlo')", "StableHLO", "What JAX hands to XLA"),
    _main("show_3", "3", "show('hlo')", "HLO before optimization", "XLA's own form, before its passes"),
    _main("show_4", "4", "show('optimized')", "Optimized HLO", "What runs, as text"),
    _main("show_5", "5", "show('source')", "Source", "The user's own lines"),
    _main("show_6", "6", "show('graph')", "Graph", "The graph of the optimized HLO, or of another stage"),
    _main("show_7", "7", "show('ops')", "Time per op", "The table of ops with their self times"),
    _main("show_8", "8", "show('chart')", "Chart", "Time per call over the run; samples of a variant"),
    _main("show_9", "9", "show('functions')", "Functions", "What JAX compiled"),
    _main("machine", "x", "machine", "Machine code", "The machine code of the kernels; LLVM IR after, and before LLVM"),
    _main("output", "o", "show('output')", "output", "What the script wrote", True),
    _main("input", "i", "input", "Input for the script", "Type lines to the script's standard input, until esc"),
    _main("jit", "J", "switch('jit')", "Switch jit", "In a live run, equation by equation: on, off, deep-off, on"),
    _main("fusion", "F", "switch('fusion')", "Switch fusion", "Compile without fusion, time it against the baseline"),
    _main("devices", "D", "switch('devices')", "Switch devices", "Simulate 2, 4 or 8 CPU devices, the batch split"),
    _main("sharding", "S", "sharding", "Sharding", "Mesh, plan and a spec for each argument, checked as you type"),
    _main("target", "T", "more('target')", "Target", "Compile for a TPU or GPU that is not there; times are predicted"),
    _main("more", "plus", "more('passes_off')", "More switches", "Passes off, matmul precision, donation, XLA options"),
    _main("measure", "m", "measure", "measure", "Measure the switches as they stand again, for longer", True),
    _main("variant", "v", "variant", "Variant or baseline", "Variant, measured baseline, the script's own: in turn"),
    _main("passes", "p", "passes", "passes", "What each pass of XLA did to the program, and to what you are on", True),
    _main("compare", "c", "compare", "compare", "A variant beside its baseline, or the two runs opened", True),
    _main("views", "V", "views", "views", "All views as text: compiles, memory, devices, collectives, variants…", True),
    _main("zoom", "z", "zoom", "maximize", "The focused pane alone, and back", True),
    _main("copy", "y", "copy", "Copy the line", "The cursor's line to the clipboard, the whole pane to a file"),
    _main("edit", "e", "edit", "Open the editor", "$EDITOR at the line of the source"),
    _main("explain", "equals_sign", "explain", "explain", "How the number under the cursor was obtained", True),
    _main("hottest", "H", "hottest", "hottest", "The focused pane's line, op, node or function with most time", True),
    _main("library", "w", "library_line", "Library's line", "The source: the library's line that did it, or yours"),
    _main("run", "ctrl+r", "run_facts", "The run", "Phases, what was dropped or not captured, the traceback"),
    _main("back", "escape", "back", "Back", "Close, cancel or undo the uppermost thing", False, False),
    _main("quit", "q", "quit", "quit", "Leave; asks while the script runs", True),
    # the screen of passes
    _passes("pane", "tab,shift+tab", "pane", "pane", "To the list or to the text", True),
    _passes("form", "t", "form", "form", "What changed, line by line, or the whole text", True),
    _passes("from", "apostrophe", "start", "from", "What changed since this pass, up to any other; and no more", True),
    _passes("explain", "equals_sign", "explain", "history", "All that became of what you came with", True),
    _passes("help", "question_mark,f1", "help", "help", "Keys and meaning of this screen", True),
    _passes("copy", "y", "copy", "Copy the line", "The cursor's line to the clipboard, the whole pane to a file"),
    _passes("back", "escape", "back", "back", "Close, cancel or undo the uppermost thing", True),
    _passes("leave", "p,q", "leave", "leave", "Back to the main screen; what is being collected goes on"),
    Action("passlist.filter", "f", "filter", "Filter passes", "Keep only passes that contain a text", "passlist"),
    Action("passlist.unchanged", "u", "unchanged", "Unchanged", "Show passes that changed nothing too", "passlist"),
    # the screen of views
    _views("pane", "tab,shift+tab", "pane", "list", "To the list of views or to the page"),
    _views("scope", "a", "scope", "all or one", "The page for all programs, or for the one on the main screen"),
    _views("next", "right_square_bracket", "step(1)", "next", "The page of the next view"),
    _views("previous", "left_square_bracket", "step(-1)", "view before", "The page of the view before", False),
    _views("whole", "w", "whole", "whole", "Columns uncut, scrolled with h and l; and fitted again"),
    _views("explain", "equals_sign", "explain", "explain", "How the numbers of this page were obtained"),
    _views("help", "question_mark,f1", "help", "help", "Keys and meaning of this screen"),
    _views("copy", "y", "copy", "copy", "The cursor's line to the clipboard, the whole page to a file"),
    _views("back", "escape", "back", "back", "Close or undo the uppermost thing"),
    _views("leave", "V,q", "leave", "Leave", "Back to the main screen", False),
    # the screen of comparison
    _compare("pane", "tab,shift+tab", "pane", "pane", "To the programs, or below"),
    _compare("below", "t", "below", "equations, times, source", "Below: equations, histograms, source, in turn"),
    _compare("explain", "equals_sign", "explain", "explain", "How the numbers of the row were obtained"),
    _compare("help", "question_mark,f1", "help", "help", "Keys and meaning of this screen"),
    _compare("copy", "y", "copy", "copy", "The cursor's line to the clipboard, the whole pane to a file"),
    _compare("back", "escape", "back", "back", "Close or undo the uppermost thing"),
    _compare("leave", "c,q", "leave", "Leave", "Back to the main screen", False),
    # every pane of rows
    _list("down", "j,down", "row(1)", "Down", "The next row"),
    _list("up", "k,up", "row(-1)", "Up", "The row before"),
    _list("left", "h,left", "sideways(-8)", "Left", "Scroll eight columns to the left"),
    _list("right", "l,right", "sideways(8)", "Right", "Scroll eight columns to the right"),
    _list("line_start", "0,circumflex_accent", "line_start", "First column", "Back to the first column"),
    _list("top", "g", "top", "gg: first row", "Press twice: to the first row"),
    _list("home", "home", "first", "First row", "To the first row"),
    _list("bottom", "G,end", "last", "Last row", "To the last row"),
    _list("page_down", "pagedown,ctrl+f,space", "page(1.0)", "Page down", "One page down"),
    _list("page_up", "pageup,ctrl+b", "page(-1.0)", "Page up", "One page up"),
    _list("half_down", "ctrl+d", "page(0.5)", "Half page down", "Half a page down"),
    _list("half_up", "ctrl+u", "page(-0.5)", "Half page up", "Half a page up"),
    _list("open", "enter", "activate", "Open", "Open what the cursor is on"),
    _list("search", "slash", "search", "Search", "Find text in this pane; lower case ignores case"),
    _list("next", "n", "search_next(1)", "Next match", "To the next match"),
    _list("previous", "N", "search_next(-1)", "Match before", "To the match before"),
    # texts
    _text("fold", "minus", "fold", "Fold", "Close the computation, function or body that the cursor is in"),
    _text("unfold", "plus", "unfold", "Unfold", "Open what is closed here; once more: all in it"),
    _text("fold_all", "asterisk", "fold_all", "Fold all", "Close all computations, functions and bodies, or open them"),
    _text("metadata", "M", "metadata", "Metadata", "Show or hide metadata, configurations, long attributes, tables"),
    _text("operand", "d", "follow('used')", "Definition of an operand", "To where this line's first operand is made"),
    _text("user", "u", "follow('users')", "User", "To the first line that uses this one's value"),
    _text("sibling", "s", "sibling", "The next one instead", "After d or u: the next operand or user"),
    _text("jump_back", "backspace,ctrl+o", "jump_back", "Back from a jump", "To where the last jump began"),
    # tables
    _table("sort", "less_than_sign", "sort_next(-1)", "Sort, left", "Sort by the column to the left of this one"),
    _table("sort_right", "greater_than_sign", "sort_next(1)", "Sort, right", "Sort by the column to the right"),
    _table("reverse", "r", "reverse", "Reverse the order", "Turn the order of the sorted column round"),
    _table("filter", "f", "filter", "Filter rows", "Keep only rows that contain a text"),
    # functions
    Action("functions.open", "right,l", "expand(True)", "Unfold", "Show the programs of a function", "functions"),
    Action("functions.close", "left,h", "expand(False)", "Fold", "Hide the programs of a function", "functions"),
    # graph
    _graph("down", "j,down", "edge('down')", "Along an edge down", "To a node that uses this one's value"),
    _graph("up", "k,up", "edge('up')", "Along an edge up", "To a node whose value this one uses"),
    _graph("left", "h,left", "edge('left')", "Node to the left", "To the next node on the left"),
    _graph("right", "l,right", "edge('right')", "Node to the right", "To the next node on the right"),
    _graph("open", "enter", "open_group", "Open a group", "Show the members of a fusion, loop or call in place"),
    _graph("close", "backspace", "close_group", "Close a group", "Fold the group the cursor is in"),
    _graph("compact", "b", "compact", "Brief form", "One row a node with lanes for the values, and back"),
    _graph("stage", "s", "stage", "Next stage", "The graph of the optimized HLO, the jaxpr, the HLO as given"),
    _graph("scopes", "u", "scopes", "User's names", "Fold long levels by name scope, or only by runs of instructions"),
    _graph("around", "a", "around", "Neighbourhood", "Only what is a few hops around the cursor, and all again"),
    _graph("more", "plus", "hops(1)", "One hop more", "A larger neighbourhood"),
    _graph("less", "minus", "hops(-1)", "One hop less", "A smaller neighbourhood"),
    _graph("critical", "t", "critical", "Critical path", "Mark the chain of nodes that takes the most time, and not"),
    _graph("way", "apostrophe", "way", "Way between two", "Mark this node; on another: the way (n N walk it, = tells)"),
    _graph("map", "d", "map", "Map", "The map at the right edge: what is in sight, where the time is; and without"),
    _graph("hottest", "H", "hottest", "Hottest node", "To the node with the largest self time"),
    # output
    Action("output.follow", "f", "follow", "Follow the tail", "Stay on the newest line", "output"),
)  # fmt: skip


def actions_for(scope: str) -> list[Action]:
    """The actions of one scope, in the order of the registry."""
    return [action for action in ACTIONS if action.scope == scope]


def bindings(scope: str) -> list[BindingType]:
    """Textual bindings of a scope; a key map may replace the keys by the action's id."""
    return [
        Binding(
            action.keys,
            action.method,
            action.description,
            show=action.shown,
            tooltip=action.tooltip,
            id=action.id,
        )
        for action in actions_for(scope)
    ]


_KEY_NAMES = {
    "slash": "/", "less_than_sign": "<", "greater_than_sign": ">", "question_mark": "?", "equals_sign": "=",
    "circumflex_accent": "^", "escape": "esc", "backspace": "⌫", "pagedown": "pgdn", "pageup": "pgup",
    "left_square_bracket": "[", "right_square_bracket": "]",
    "plus": "+", "minus": "-", "asterisk": "*", "apostrophe": "'", "down": "↓", "up": "↑", "left": "←", "right": "→",
}  # fmt: skip
_KEY_NAMES_ASCII = {**_KEY_NAMES, "backspace": "bksp", "down": "dn", "up": "up", "left": "lt", "right": "rt"}


def key_label(keys: str, ascii_only: bool = False) -> str:
    """Textual's key names as a reader writes them: `slash` is `/`, `ctrl+p` is `^p`."""
    names = _KEY_NAMES_ASCII if ascii_only else _KEY_NAMES
    return " ".join(_one_key(key, names) for key in keys.split(","))


def _one_key(key: str, names: dict[str, str]) -> str:
    prefix = "^" if key.startswith("ctrl+") else ""
    bare = key.removeprefix("ctrl+")
    return prefix + names.get(bare, bare)
