"""The lab in a browser: every visitor gets one of their own, with what the command line says."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

from backprop_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

LOOPBACK = ("127.0.0.1", "localhost", "::1")

FOREIGN_STYLE = re.compile(r"<link\b[^>]*fonts\.googleapis\.com[^>]*>")
"""A font that the page would fetch from somebody else's server."""

HOW_TO_INSTALL = "serve needs its extra: pip install 'backprop-tui[serve]'"


def serve(arguments: Sequence[str], host: str, port: int) -> int:
    """Serve the lab until ctrl+c, and return the exit code.

    Parameters
    ----------
    arguments : sequence of str
        What ``run`` is given for each visitor.
    host : str
        The address that is listened on.
    port : int

    Raises
    ------
    UserError
        If the extra is not installed, or the address cannot be listened on.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError:
        raise UserError(HOW_TO_INSTALL) from None

    class LabServer(Server):
        """Lets in only pages that it has served itself: whoever types in the lab can write files."""

        async def on_startup(self, app: web.Application) -> None:  # noqa: ARG002
            """Say where the lab is."""
            sys.stderr.write(f"serving the lab on http://{host}:{port}; ctrl+c ends it\n")

        async def handle_index(self, request: web.Request) -> web.Response:
            """Return the page: the address in it is the one by which it was asked for, and no other is in it."""
            self.public_url = f"{request.scheme}://{request.host}"
            page: web.Response = await super().handle_index(request)  # type: ignore[assignment]
            page.text = FOREIGN_STYLE.sub("", page.text or "")
            return page

        async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
            """Open a lab for a page of this server's own."""
            if not is_own_page(request.headers.get("Origin", ""), request.host, host):
                raise web.HTTPForbidden(text="this is not a page of this server")
            return await super().handle_websocket(request)

    command = shlex.join([sys.executable, "-m", "backprop_tui", "run", *arguments])
    try:
        LabServer(command, host, port, title="backprop-tui").serve()
    except OSError as error:
        raise UserError(f"{host}:{port} cannot be listened on: {error.strerror or error}") from None
    return 0


def is_own_page(origin: str, asked_for: str, listening_on: str) -> bool:
    """Tell whether a connection comes from a page that this server has served.

    Any page in the browser can open a connection to an address of this machine; it cannot hide where it is from. And a
    name of somebody else's can be made to lead here, so on the loopback address only its own names are heard.

    Parameters
    ----------
    origin : str
        Where the page is from, as the browser says.
    asked_for : str
        The host and port that the connection was opened to, as the browser says.
    listening_on : str
        The address that the server was told to listen on.
    """
    name = asked_for.rpartition(":")[0] if ":" in asked_for else asked_for
    if listening_on in LOOPBACK and name.strip("[]") not in LOOPBACK:
        return False
    return origin.partition("://")[2] == asked_for
