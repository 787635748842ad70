"""Prints the JavaScript that draws Vega: `python -m codeexec.rendering.vega_scripts MAJOR`.

MAJOR is the version of Vega-Lite for which a chart was made, such as `5`. vl-convert has the
libraries within itself; it takes about 3 s to put them together. Where it is not installed, the
exit status is 3.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from codeexec.rendering.vega import LITE_VERSIONS, NEWEST_LITE

NOT_THERE = 3

_SNIPPET = "window.vegaEmbed = vegaEmbed;"


def main() -> int:
    if find_spec("vl_convert") is None:
        sys.stderr.write("vl-convert is not installed.")
        return NOT_THERE
    import vl_convert

    version = LITE_VERSIONS.get(sys.argv[1], NEWEST_LITE)
    sys.stdout.write(vl_convert.javascript_bundle(_SNIPPET, vl_version=version))
    return 0


if __name__ == "__main__":
    sys.exit(main())
