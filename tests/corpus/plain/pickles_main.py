import pickle
import sys
from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int


data = pickle.dumps(Point(1, 2))
print(pickle.loads(data), Point.__module__, sys.modules["__main__"].Point is Point)
print(len(data))
