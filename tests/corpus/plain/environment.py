import os
import resource

for name, value in sorted(os.environ.items()):
    print(name, value)
umask = os.umask(0o22)
print(oct(umask), os.getcwd(), os.nice(0), resource.getrlimit(resource.RLIMIT_NOFILE))
print(resource.getrlimit(resource.RLIMIT_CORE), os.getpriority(os.PRIO_PROCESS, 0))
