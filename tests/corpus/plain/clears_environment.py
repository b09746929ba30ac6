import os

os.environ.clear()
print(dict(os.environ))
