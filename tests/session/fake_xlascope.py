"""The command `xlascope` with the stand-in engine."""

import sys
from pathlib import Path

from xlascope.cli.main import main
from xlascope.session.keeper import Keeper

Keeper.__init__.__kwdefaults__["boot"] = Path(__file__).with_name("fake_engine.py")
sys.exit(main())
