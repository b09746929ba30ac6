"""A script that tests itself.

>>> double(4)
8
>>> double("a")
'aaa'
"""

import doctest


def double(x):
    return x * 2


print(doctest.testmod())
