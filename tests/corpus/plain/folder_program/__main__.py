# launch: FOLDER
import sys

import helper_of_folder

print(__name__, __file__.rsplit("/", 2)[1:], sys.argv[0].rsplit("/", 1)[1], __package__ == "", helper_of_folder.NAME)
