import sys

seen = []


def tracer(frame, event, arg):
    if frame.f_code.co_filename == __file__:
        seen.append((event, frame.f_lineno))
    return tracer


def traced(n):
    total = 0
    for i in range(n):
        total += i
    return total


print(sys.gettrace(), sys.getprofile())
sys.settrace(tracer)
traced(2)
sys.settrace(None)
print(seen)
