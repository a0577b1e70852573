"""autobahn-python as a client of our router: both sides of calls, events and errors, in one process.

usage: autobahn_peer.py URL SERIALIZER      (ws://..., or tcp://... for RawSocket; msgpack.batched and so on over WebSocket)
"""

import asyncio
import sys

from autobahn.asyncio.component import Component, run
from autobahn.wamp import serializer
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions

URL, SERIALIZER = sys.argv[1:3]
SIZES = [0, 125, 126, 127, 128, 32_767, 32_768, 65_535, 65_536, 1_000_000]
checks = 0


def check(condition, what):
    global checks
    if not condition:
        raise AssertionError(what)
    checks += 1


# A component knows its serializers by name; those that make batches have none there.
for name, plain in [("json", "Json"), ("msgpack", "MsgPack"), ("cbor", "CBOR")]:
    batching = getattr(serializer, f"{plain}Serializer")
    serializer.SERID_TO_SER[f"{name}.batched"] = lambda batching=batching: batching(batched=True)


def transport():
    if URL.startswith("ws"):
        return {"type": "websocket", "url": URL, "serializers": [SERIALIZER]}
    host, port = URL.removeprefix("tcp://").split(":")
    return {
        "type": "rawsocket",
        "url": f"rs://{host}:{port}",
        "serializer": SERIALIZER,
        "endpoint": {"type": "tcp", "host": host, "port": int(port)},
    }


def client():
    return Component(transports=[dict(transport(), max_retries=0)], realm="realm1")


service, caller = client(), client()
ready = None


@service.on_join
async def serve(session, details):
    async def add(a, b):
        return a + b

    def fail(text):
        raise ApplicationError("com.example.error", text, detail=[1, None, "ü"])

    def crash():
        raise ValueError("not for you")

    async def echo(*args, **kwargs):
        return args[0] if args else kwargs

    async def slow():
        await asyncio.sleep(30)

    def anything(*args, details=None):
        return details.procedure

    await session.register(add, "com.example.add")
    await session.register(fail, "com.example.fail")
    await session.register(crash, "com.example.crash")
    await session.register(echo, "com.example.echo")
    await session.register(slow, "com.example.slow")
    await session.register(anything, "com.example.any.", RegisterOptions(match="prefix", details=True))
    session.on("leave", lambda *_: None)
    ready.set_result(session)


async def refused(call, uri):
    try:
        await call
    except ApplicationError as error:
        check(error.error == uri, f"expected {uri}, got {error.error}")
        return error
    raise AssertionError(f"expected {uri}, got a result")


@caller.on_join
async def check_all(session, details):
    try:
        await check_calls(session)
        await check_payloads(session)
        await check_events(session, await ready)
        print(f"autobahn {URL} {SERIALIZER}: {checks} checks passed", flush=True)
    except Exception as error:
        print(f"autobahn {URL} {SERIALIZER}: FAILED: {error!r}", flush=True)
        sys.exit(1)
    finally:
        (await ready).leave()
        session.leave()


async def check_calls(session):
    await ready
    check(await session.call("com.example.add", 2, 3) == 5, "add")
    check(await session.call("com.example.any.thing") == "com.example.any.thing", "prefix registration")
    error = await refused(session.call("com.example.fail", "boom"), "com.example.error")
    check(list(error.args) == ["boom"], f"error arguments {error.args}")
    check(error.kwargs["detail"] == [1, None, "ü"], f"error kwargs {error.kwargs}")
    await refused(session.call("com.example.crash"), "wamp.error.runtime_error")
    await refused(session.call("com.example.nobody"), "wamp.error.no_such_procedure")
    await refused(session.register(lambda: None, "com.example.add"), "wamp.error.procedure_already_exists")
    results = await asyncio.gather(*(session.call("com.example.add", n, n) for n in range(500)))
    check(results == [2 * n for n in range(500)], "500 calls in flight")
    call = session.call("com.example.slow")
    await asyncio.sleep(0)
    call.cancel()


async def check_payloads(session):
    for size in SIZES:
        text = "x" * size
        check(await session.call("com.example.echo", text) == text, f"text of {size}")
        # Base64 in JSON: still below the router's limit of 1 MiB.
        data = b"\x00\xff" * (size // 3)
        check(await session.call("com.example.echo", data) == data, f"binary of {len(data)}")
    for value in ["", "ü € 𝄞 \u2028", None, True, -1, 2**53, 1.5, [[], {}], {"a": {"b": [1]}}, "\u0001 \" \\ /"]:
        check(await session.call("com.example.echo", value) == value, f"value {value!r}")
    named = await session.call("com.example.echo", a=1, b="zwei")
    check(named == {"a": 1, "b": "zwei"}, f"keyword arguments {named}")


async def check_events(session, publisher):
    seen = asyncio.Queue()

    def on_event(*args, details=None, **kwargs):
        seen.put_nowait((details.topic, args, kwargs))

    await session.subscribe(on_event, "com.example.", SubscribeOptions(match="prefix", details=True))
    acknowledge = PublishOptions(acknowledge=True)
    for n in range(100):
        publisher.publish("com.example.topic", n)
    await publisher.publish("com.example.other", "last", k=[1.5, None], options=acknowledge)
    for n in range(100):
        check((await seen.get())[:2] == ("com.example.topic", (n,)), f"event {n}")
    check(await seen.get() == ("com.example.other", ("last",), {"k": [1.5, None]}), "last event")
    session.publish("com.example.mine", 1, options=acknowledge)
    await session.publish("com.example.mine", 2, options=PublishOptions(acknowledge=True, exclude_me=False))
    check((await seen.get())[1] == (2,), "own events only when asked for")
    await refused(publisher.publish("wamp.mine", options=acknowledge), "wamp.error.invalid_uri")


def main():
    global ready
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    ready = loop.create_future()
    loop.call_later(60, sys.exit, 1)
    run([service, caller], log_level="critical")
    sys.exit(0 if checks else 1)


main()
