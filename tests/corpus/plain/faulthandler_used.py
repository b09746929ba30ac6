import faulthandler
import sys

print(faulthandler.is_enabled())
faulthandler.enable()
faulthandler.dump_traceback_later(1000, exit=True)
faulthandler.cancel_dump_traceback_later()
print(faulthandler.is_enabled(), sys.flags.dev_mode)
