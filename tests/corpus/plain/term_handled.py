import os
import signal
import sys


def on_term(number, frame):
    print("handled", number, frame.f_code.co_name)
    sys.exit(12)


signal.signal(signal.SIGTERM, on_term)
os.kill(os.getpid(), signal.SIGTERM)
signal.pause()
