import os
import sys

os.mkdir("elsewhere")
os.chdir("elsewhere")
print(os.path.basename(os.getcwd()), os.path.basename(sys.path[0]))
