import sys


def hook(kind, value, trace):
    names = []
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    print("hook:", kind.__name__, value, names, file=sys.stderr)


sys.excepthook = hook
print(sys.__excepthook__.__name__)


def fails():
    raise LookupError("unseen")


fails()
