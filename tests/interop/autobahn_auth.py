"""autobahn-python proves to our router who it is, by every method that both have.

usage: autobahn_auth.py URL [CA]      (ws://..., wss://... with the certificate of the authority, or tcp://...)
"""

import asyncio
import ssl
import sys

import txaio
from autobahn.asyncio.component import Component

URL = sys.argv[1]
SECRET = "open sesame"
PRIVATE_KEY = "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510"
OTHER_KEY = "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd"
USERS = [
    ("ticket", "ticket", {"ticket": SECRET}, {"ticket": "wrong"}),
    ("cra", "wampcra", {"secret": SECRET}, {"secret": "wrong"}),
    ("salted", "wampcra", {"secret": SECRET}, {"secret": "wrong"}),
    ("key", "cryptosign", {"privkey": PRIVATE_KEY}, {"privkey": OTHER_KEY}),
]
checks = 0


def check(condition, what):
    global checks
    if not condition:
        raise AssertionError(what)
    checks += 1


def transport():
    host, port = URL.split("/")[2].rsplit(":", 1)
    endpoint = {"type": "tcp", "host": host, "port": int(port)}
    if URL.startswith("wss"):
        endpoint["tls"] = ssl.create_default_context(cafile=sys.argv[2])
    if URL.startswith("ws"):
        found = {"type": "websocket", "url": URL, "serializers": ["cbor"]}
    else:
        found = {"type": "rawsocket", "url": f"rs://{host}:{port}", "serializer": "cbor"}
    return dict(found, endpoint=endpoint, max_retries=0)


async def join(user, method, secret):
    """The details of the session that comes about, if one does; in it, a call there and back."""
    joined = []
    authentication = {method: dict(secret, authid=user)}
    component = Component(transports=[transport()], realm="realm1", authentication=authentication)

    @component.on_join
    async def on_join(session, details):
        procedure = f"com.example.{user}"
        await session.register(lambda text: text, procedure)
        check(await session.call(procedure, "ü") == "ü", f"{user} calls")
        joined.append(details)
        session.leave()

    try:
        await asyncio.wait_for(txaio.as_future(component.start, asyncio.get_event_loop()), 20)
    except asyncio.TimeoutError:
        raise
    except RuntimeError:
        # Nobody was let in; over RawSocket, a component takes the end of its session for a failure as well.
        pass
    return joined[0] if joined else None


async def main():
    for user, method, right, wrong in USERS:
        details = await join(user, method, right)
        check(details is not None, f"{user} joins by {method}")
        check((details.authid, details.authrole, details.authmethod) == (user, "user", method), f"{details}")
        check(await join(user, method, wrong) is None, f"{user} joins with a wrong secret")
    check(await join("nobody", "wampcra", {"secret": SECRET}) is None, "nobody joins")
    print(f"autobahn {URL}: {checks} checks of authentication passed")


txaio.start_logging(level="critical")
asyncio.new_event_loop().run_until_complete(main())
