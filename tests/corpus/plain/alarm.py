import signal


def on_alarm(number, frame):
    raise TimeoutError("alarm")


signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    signal.pause()
except TimeoutError as error:
    print("caught", error)
signal.alarm(1)
signal.pause()
