"""What `record` says of itself while it finishes a recording."""

from xlascope.cli import record

FINISHING = {"kind": "progress", "activity": "finishing"}


def test_a_long_finish_is_told_once(monkeypatch, capsys):
    monkeypatch.setattr(record, "FINISHING_TOLD", 0.0)
    narrator = record._Narrator()
    narrator.event(FINISHING)
    waiting = narrator._waiting
    assert waiting is not None
    waiting.join()
    narrator.event(FINISHING)
    narrator.finished()
    said = capsys.readouterr().err
    assert said.startswith("xlascope: the script has ended;") and said.count("\n") == 1


def test_a_short_finish_is_not(monkeypatch, capsys):
    monkeypatch.setattr(record, "FINISHING_TOLD", 3600.0)
    narrator = record._Narrator()
    narrator.event({"kind": "progress", "activity": "compiling"})
    assert narrator._waiting is None
    narrator.event(FINISHING)
    narrator.finished()
    assert narrator._waiting is not None and not narrator._waiting.is_alive()
    assert capsys.readouterr().err == ""
