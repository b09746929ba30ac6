"""The pictures in the repository show the screen as it is."""

import re

from screenshots.inputs import HASH_FILE, ROOT, input_files, inputs_hash
from screenshots.make import PICTURES


def test_pictures_are_as_new_as_what_they_show():
    assert HASH_FILE.read_text().strip() == inputs_hash(), "make them again: python screenshots/make.py"


def test_the_hash_depends_on_the_screen():
    names = {path.name for path in input_files()}
    assert {"app.py", "softmax.py", "make.py"} <= names
    assert any(name.endswith(".tcss") for name in names)


def test_every_picture_is_there_and_shows_the_program():
    for picture in PICTURES:
        svg = (HASH_FILE.parent / picture.file).read_text()
        assert svg.lstrip().startswith("<svg")
        words = re.sub(r"<[^>]+>|&#160;", "", svg)
        assert "scores" in words or "train_step" in words, picture.file
        assert str(ROOT) not in words, "a path of the machine that drew it"


def test_no_picture_is_left_over():
    assert {path.name for path in HASH_FILE.parent.glob("*.svg")} == {picture.file for picture in PICTURES}
