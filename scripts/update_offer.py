"""Write `jmcp_lab/stdio/offer.json`: what `jmcp-lab stdio` says before a server has answered.

`tests/mcp/test_stdio_offer.py` checks that it is what a server says.
"""

from __future__ import annotations

import json

from jmcp_lab.mcp.sdk_server import offer
from jmcp_lab.stdio.offer import OFFER

if __name__ == "__main__":
    OFFER.write_text(json.dumps(offer(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
