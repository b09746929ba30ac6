"""The child becomes a daemon that outlives the script and holds no stream."""

import os

pid = os.fork()
if pid == 0:
    os.setsid()
    for stream in (0, 1, 2):
        os.close(stream)
    if os.fork():
        os._exit(0)
    os.execvp("sleep", ["sleep", "0.5"])
os.waitpid(pid, 0)
print("parent ends")
