# argv: one --two
import os
import sys

print(sys.flags)
print(sys.argv, sys.orig_argv[1:])
print(sys.path)
print(sys.executable, sys.prefix, sys.dont_write_bytecode, sys.warnoptions, sys._xoptions)
print(__name__, __file__, __spec__, __package__, __doc__, type(__builtins__).__name__, type(__loader__).__name__)
print(sorted(globals()))
print(sys.modules["__main__"].__dict__ is globals(), sys.getrecursionlimit(), sys.getswitchinterval())
print(os.path.basename(sys._getframe().f_code.co_filename), sys.displayhook.__name__, sys.excepthook.__name__)
