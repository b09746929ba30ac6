"""A child that inherits descriptors gets only those of the script."""

import subprocess
import sys

code = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])"
subprocess.run([sys.executable, "-S", "-c", code], close_fds=False, check=True)
