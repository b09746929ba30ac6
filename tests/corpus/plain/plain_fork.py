import os
import sys

print("before", flush=True)
pid = os.fork()
if pid == 0:
    print("child ends in the ordinary way")
    sys.exit(6)
print("child gave", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
