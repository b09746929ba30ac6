"""Records the softmax demo, measures it without fusion, and draws the screen at three sizes.

    python screenshots/make.py [FOLDER]

Writes NAME-COLUMNSxROWS.svg beside this file (or into FOLDER), through Textual's own export, and the hash of what the
pictures were made from, so that a test can tell when they are old.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from screenshots.inputs import HASH_FILE, ROOT, inputs_hash

DEMO = ROOT / "xlascope" / "demo" / "softmax.py"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: the screen's size and the keys pressed before it is taken."""

    name: str
    columns: int
    rows: int
    keys: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The file's name, with the size in characters."""
        return f"{self.name}-{self.columns}x{self.rows}.svg"


PICTURES = (
    Picture("main", 80, 24),
    Picture("main", 120, 36),
    Picture("main", 200, 60),
    Picture("graph", 120, 36, ("6", "z")),
    Picture("ops", 120, 36, ("7", "z")),
    Picture("jaxpr", 80, 24, ("1",)),
    Picture("help", 120, 36, ("question_mark",)),
)


def record(folder: Path) -> Path:
    """A run file of the demo with one measured variant."""
    run_file = folder / "softmax.xlascope"
    script = shutil.copy(DEMO, folder)
    xlascope = [sys.executable, "-m", "xlascope"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*xlascope, "record", "-o", str(run_file), script], check=True, env=environ)
    measure = [*xlascope, "measure", str(run_file), "--program", "scores#1", "--fusion", "off", "--budget", "2"]
    subprocess.run(measure, check=True, env=environ)
    return run_file


async def draw(picture: Picture, run_file: Path) -> str:
    """The picture as SVG text."""
    from textual.worker import WorkerCancelled

    from xlascope.tui.app import XlascopeApp
    from xlascope.tui.feeding.live import RunAtHand

    app = XlascopeApp(RunAtHand(run_file, script="softmax.py"))

    async def settle() -> None:
        for _ in range(8):
            await pilot.pause(0.1)
            try:
                await app.workers.wait_for_complete()
            except WorkerCancelled:
                pass  # a newer question took the worker's place
            await pilot.pause()

    async with app.run_test(size=(picture.columns, picture.rows)) as pilot:
        await settle()
        for key in picture.keys:
            await pilot.press(key)
            await settle()
        return app.export_screenshot(title=f"xlascope  {picture.columns}x{picture.rows}")


def main() -> None:
    """Makes all pictures, into the folder of the first argument or beside this file."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HASH_FILE.parent
    target.mkdir(parents=True, exist_ok=True)
    # Not what this terminal happens to be: the pictures are in colour and Unicode.
    os.environ.update(COLORTERM="truecolor", TERM="xterm-256color", LANG="C.UTF-8")
    os.environ.pop("NO_COLOR", None)
    before = inputs_hash()
    # A fixed place, for it stands in the pictures.
    folder = Path(tempfile.gettempdir()) / "xlascope-pictures"
    folder.mkdir(exist_ok=True)
    try:
        run_file = record(folder)
        for picture in PICTURES:
            (target / picture.file).write_text(asyncio.run(draw(picture, run_file)))
            print(target / picture.file)
    finally:
        shutil.rmtree(folder)
    (target / HASH_FILE.name).write_text(f"{before}\n")


if __name__ == "__main__":
    main()
