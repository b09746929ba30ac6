import os
import sys

print("before", flush=True)
os.execv(sys.executable, [sys.executable, "-S", "-c", "print('another program'); raise SystemExit(8)"])
