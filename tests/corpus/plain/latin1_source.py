# -*- coding: latin-1 -*-
print(len("café"), ascii("café"))
1 / 0  # été
