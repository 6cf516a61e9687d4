# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m rhetor.engine` is the command `rhetor`."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
