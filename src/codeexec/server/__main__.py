"""`python -m codeexec.server`: the user's session server, started by the first client.

The order is the point: the lock, then the kernel of the first session, then the socket, and
only then what is slow to import, while that kernel boots.
"""

from __future__ import annotations

import sys

from codeexec.server.start import main

sys.exit(main(sys.argv[1:]))
