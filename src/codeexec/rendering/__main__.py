"""Draws one chart, diagram, formula or PDF: `python -m codeexec.rendering MIME GROUND`.

Its data come on stdin, the PNG goes to stdout. Where it cannot be drawn, a sentence goes to stderr,
and the exit status is 3. For programs that draw nothing themselves, such as the session server.
"""

from __future__ import annotations

import sys

from codeexec.domain.errors import DocumentError
from codeexec.rendering.pictures import OPENS, draw

NOT_DRAWN = 3


def main() -> int:
    mime, ground = sys.argv[1:]
    try:
        picture = draw(mime, sys.stdin.buffer.read(), ground)
    except DocumentError as error:
        sys.stderr.write(error.message.removesuffix(OPENS))
        return NOT_DRAWN
    sys.stdout.buffer.write(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
