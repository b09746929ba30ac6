import subprocess
import sys

if len(sys.argv) > 1:
    print("child", sys.argv[1:], flush=True)
    sys.exit(4)
print("parent", flush=True)
done = subprocess.run([sys.executable, __file__, "again"], check=False)
print("child gave", done.returncode)
