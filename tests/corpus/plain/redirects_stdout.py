import os
import sys
import tempfile

with tempfile.TemporaryFile() as file:
    kept = os.dup(1)
    os.dup2(file.fileno(), 1)
    print("into the file", flush=True)
    os.dup2(kept, 1)
    os.close(kept)
    file.seek(0)
    sys.stderr.write(file.read().decode())
print("back")
