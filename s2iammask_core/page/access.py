"""Who may use the page: this machine, or whoever has the token; and no page of a stranger."""

import hmac
import ipaddress
import secrets
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from s2iammask_core.errors import ConfigError

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
SHORTEST_TOKEN = 16
OWN_SITE = ("same-origin", "none")  # of Sec-Fetch-Site: asked for by the page itself, or by a person


@dataclass(frozen=True, slots=True)
class Access:
    """The rule of one server. An empty token: whoever reaches it by a name of this machine may use it."""

    token: str
    cookie: str  # its name; all ports of a host share their cookies, so each server has its own

    @classmethod
    def of(cls, host: str, token: str = "") -> "Access":
        """A token that is given holds everywhere; ConfigError if it is short enough to be guessed."""
        if token and len(token) < SHORTEST_TOKEN:
            raise ConfigError(f"a token has at least {SHORTEST_TOKEN} characters")
        made = token or ("" if is_loopback(host) else secrets.token_urlsafe(24))
        return cls(made, f"s2iammask_page_{secrets.token_hex(4)}")

    def check(self, request: web.Request) -> None:
        """Raises a 403 for a stranger's page, and a 401 without the token."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text="this was asked for by another site's page")
        if request.headers.get("Sec-Fetch-Site", "none") not in OWN_SITE and request.path != "/":
            raise web.HTTPForbidden(text="this was asked for by another site's page")
        if not self.token:
            self._check_name(request)
        elif not (self.is_token(request.cookies.get(self.cookie, "")) or self._is_given(request)):
            raise web.HTTPUnauthorized(
                text="open the address that was printed when the page was started; it ends with a token"
            )

    def greet(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remembers in the browser that its person came with the token."""
        if self.token and self._is_given(request):
            response.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict", path="/")

    def is_token(self, text: str) -> bool:
        given, known = (each.encode(errors="surrogateescape") for each in (text, self.token))
        return hmac.compare_digest(given, known)

    def _is_given(self, request: web.Request) -> bool:
        return request.path == "/" and self.is_token(request.query.get("token", ""))

    def _check_name(self, request: web.Request) -> None:
        """A name that a stranger has pointed at this machine is none of its own (DNS rebinding)."""
        if not is_loopback(_name(request.host)):
            raise web.HTTPForbidden(text="open this page as http://localhost or http://127.0.0.1")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _name(host: str) -> str:
    """Of `name:port`, `[address]:port` or either without a port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def guarded(access: Access) -> Middleware:
    """A middleware that checks each request, and puts the headers on each answer."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            access.check(request)
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        if not response.prepared:
            response.headers.update(HEADERS)
        access.greet(request, response)
        return response

    return guard
