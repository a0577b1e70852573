"""wampy as a client of our router: a service, a caller, a publisher, a subscriber.

usage: wampy_peer.py URL
"""

import logging
import sys
import time

from wampy.errors import WampyError
from wampy.peers.clients import Client
from wampy.roles.callee import callee
from wampy.roles.subscriber import subscribe

logging.disable(logging.WARNING)
URL = sys.argv[1]
# wampy reads 16-bit frame lengths as signed numbers: it cannot read frames of 32,768 to 65,535 bytes.
SIZES = [0, 125, 126, 127, 128, 10_000, 70_000, 300_000]
events = []
checks = 0


def check(condition, what):
    global checks
    if not condition:
        raise AssertionError(what)
    checks += 1


class BinaryNumberService(Client):
    @callee
    def get_binary_number(self, number):
        return bin(number)

    @callee
    def echo(self, text):
        return text


class SubscribingService(Client):
    @subscribe(topic="foo")
    def on_foo(self, **kwargs):
        events.append(kwargs)


with BinaryNumberService(url=URL), SubscribingService(url=URL), Client(url=URL) as client:
    time.sleep(0.5)
    check(client.rpc.get_binary_number(100) == "0b1100100", "get_binary_number(100)")
    check(client.call("get_binary_number", 7) == "0b111", "call by URI")
    for size in SIZES:
        check(client.rpc.echo("x" * size) == "x" * size, f"text of {size}")
    check(client.rpc.echo("ü € 𝄞") == "ü € 𝄞", "unicode")
    try:
        client.rpc.nobody()
        check(False, "a procedure that nobody offers")
    except WampyError as error:
        check("no_such_procedure" in str(error), f"error {error}")
    for n in range(20):
        client.publish(topic="foo", n=n)
    deadline = time.time() + 5
    while len(events) < 20 and time.time() < deadline:
        time.sleep(0.05)
    check([event["n"] for event in events] == list(range(20)), f"events {events}")
    check(events[0]["meta"]["topic"] == "foo", "event metadata")

print(f"wampy {URL}: {checks} checks passed")
