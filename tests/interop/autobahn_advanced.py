"""autobahn-python as a client of our router, for what goes beyond calls and events.

usage: autobahn_advanced.py URL SERIALIZER      (ws://...)
"""

import asyncio
import sys

from autobahn.asyncio.component import Component, run
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions

URL, SERIALIZER = sys.argv[1:3]
ACK = {"acknowledge": True}
checks = 0


def check(condition, what):
    global checks
    if not condition:
        raise AssertionError(what)
    checks += 1


def client():
    transport = {"type": "websocket", "url": URL, "serializers": [SERIALIZER], "max_retries": 0}
    return Component(transports=[transport], realm="realm1")


components = [client() for _ in range(3)]
joined = []


async def within(awaitable):
    return await asyncio.wait_for(awaitable, 10)


async def fails(call, uri):
    try:
        await within(call)
    except ApplicationError as error:
        return check(error.error == uri, f"expected {uri}, got {error.error}")
    raise AssertionError(f"expected {uri}, got a result")


class Seen(asyncio.Queue):
    """What a subscription gets: the first argument, and the details."""

    async def subscribe(self, session, topic, **options):
        def on_event(*args, details=None, **_):
            self.put_nowait((args[0] if args else None, details))

        return await within(session.subscribe(on_event, topic, SubscribeOptions(details=True, **options)))

    async def next(self):
        return await within(self.get())


async def progress(callee, caller, _):
    async def count(to, details=None):
        for number in range(to):
            details.progress(number)
        return to

    await callee.register(count, "com.example.count", RegisterOptions(details=True))
    parts = []
    result = await within(caller.call("com.example.count", 5, options=CallOptions(on_progress=parts.append)))
    check((parts, result) == ([0, 1, 2, 3, 4], 5), f"progressive results {parts} {result}")


async def canceling(callee, caller, _):
    started, stopped = asyncio.Event(), asyncio.Event()

    async def work():
        started.set()
        try:
            await asyncio.sleep(30)
        finally:
            stopped.set()

    await callee.register(work, "com.example.work")
    call = caller.call("com.example.work")
    await within(started.wait())
    # It says no mode, which is `skip`: the callee works on.
    call.cancel()
    check(await within(caller.call("com.example.count", 0)) == 0 and not stopped.is_set(), "a canceled call")
    started.clear()
    await fails(caller.call("com.example.work", options=CallOptions(timeout=200)), "wamp.error.timeout")
    await within(stopped.wait())
    check(started.is_set(), "a call with a time limit, whose callee is interrupted")


async def sharing(callee, other, caller):
    async def register(session, name, **options):
        return await within(session.register(lambda: name, "com.example.shared", RegisterOptions(**options)))

    await register(callee, "a", invoke="roundrobin")
    await fails(register(other, "b"), "wamp.error.procedure_already_exists")
    await register(other, "b", invoke="roundrobin")
    names = [await within(caller.call("com.example.shared")) for _ in range(6)]
    check(names in (["a", "b"] * 3, ["b", "a"] * 3), f"a shared registration {names}")


async def patterns(callee, caller, _):
    def which(details=None):
        return details.procedure

    for pattern, match in [("com.pattern.", "prefix"), ("com..wild", "wildcard")]:
        await callee.register(which, pattern, RegisterOptions(match=match, details=True))
        uri = pattern + "thing" if match == "prefix" else "com.any.wild"
        check(await within(caller.call(uri)) == uri, f"a {match} registration")


async def audience(publisher, one, two):
    first, second = Seen(), Seen()
    await first.subscribe(one, "com.example.audience")
    await second.subscribe(two, "com.example.audience")
    ids = [one._session_id, two._session_id]

    async def publish(value, **options):
        await within(publisher.publish("com.example.audience", value, options=PublishOptions(**ACK, **options)))

    await publish(1, exclude=[ids[0]])
    await publish(2, eligible=[ids[0]])
    await publish(3, exclude_authrole=["nobody"], eligible_authrole=["anonymous"])
    for seen, values in [(first, [2, 3]), (second, [1, 3])]:
        check([(await seen.next())[0] for _ in values] == values, f"an audience {values}")


async def retention(publisher, subscriber, _):
    await within(publisher.publish("com.example.kept", 7, options=PublishOptions(retain=True, **ACK)))
    seen = Seen()
    await seen.subscribe(subscriber, "com.example.kept", get_retained=True)
    value, details = await seen.next()
    check((value, details.retained) == (7, True), "a retained event")


async def meta(callee, caller, watcher):
    ids = sorted(session._session_id for session in (callee, caller, watcher))
    check(sorted(await within(caller.call("wamp.session.list"))) == ids, "the sessions")
    check(await within(caller.call("wamp.session.count")) == 3, "their number")
    known = await within(caller.call("wamp.session.get", callee._session_id))
    check((known["session"], known["authrole"]) == (callee._session_id, "anonymous"), f"a session {known}")
    await fails(caller.call("wamp.session.get", 1), "wamp.error.no_such_session")
    seen = Seen()
    await seen.subscribe(watcher, "wamp.registration.on_create")
    registration = await callee.register(lambda: None, "com.example.new")
    check((await seen.next())[0] == callee._session_id, "an event of a new registration")
    found = await within(caller.call("wamp.registration.lookup", "com.example.new"))
    check(found == registration.id, "a registration by its URI")
    check(await within(caller.call("wamp.registration.match", "com.example.new")) == found, "by a call")
    check(await within(caller.call("wamp.registration.list_callees", found)) == [callee._session_id], "callees")
    check((await within(caller.call("wamp.registration.get", found)))["uri"] == "com.example.new", "its details")
    found = await within(caller.call("wamp.subscription.lookup", "wamp.registration.on_create"))
    check(await within(caller.call("wamp.subscription.count_subscribers", found)) == 1, "subscribers")


async def revocation(callee, caller, _):
    registration = await callee.register(lambda: 1, "com.example.revoked")
    check(await within(caller.call("com.example.revoked")) == 1, "a procedure")
    remove = caller.call("wamp.registration.remove_callee", registration.id, callee._session_id)
    await within(remove)
    await fails(caller.call("com.example.revoked"), "wamp.error.no_such_procedure")
    check(callee.is_attached(), "the callee goes on")


async def testament(dying, watcher, _):
    seen = Seen()
    await seen.subscribe(watcher, "com.example.will")
    await within(dying.call("wamp.session.add_testament", "com.example.will", ["farewell"], {}))
    check(seen.empty(), "a testament is not read before the end")
    dying.leave()
    check((await seen.next())[0] == "farewell", "a testament")


async def check_all():
    sessions = [await within(session) for session in joined]
    for step in [progress, canceling, sharing, patterns, audience, retention, meta, revocation, testament]:
        await step(*sessions)
    print(f"autobahn, advanced, {URL} {SERIALIZER}: {checks} checks passed", flush=True)
    return sessions


def main():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for component in components:
        future = loop.create_future()
        joined.append(future)
        component.on("join", lambda session, _, future=future: future.set_result(session))
    failed = []

    async def checked():
        try:
            await check_all()
        except Exception as error:
            failed.append(error)
            print(f"autobahn, advanced, {URL} {SERIALIZER}: FAILED: {error!r}", flush=True)
        for future in joined:
            if future.result().is_attached():
                future.result().leave()

    loop.create_task(checked())
    loop.call_later(60, sys.exit, 1)
    run(components, log_level="critical")
    sys.exit(1 if failed or not checks else 0)


main()
