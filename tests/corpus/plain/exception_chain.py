class Odd(Exception):
    pass


def cause():
    try:
        raise OSError(2, "no such thing")
    except OSError as error:
        raise Odd("wrapped") from error


def context():
    try:
        cause()
    except Odd as error:
        error.add_note("a note\non two lines")
        raise ExceptionGroup("several", [ValueError("one"), error])  # noqa: B904


context()
