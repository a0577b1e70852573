"""wampy proves to our router who it is, with WAMPYSECRET: by a ticket, and by WAMP-CRA.

usage: WAMPYSECRET=secret wampy_auth.py URL
"""

import copy
import logging
import os
import sys

from wampy.constants import DEFAULT_ROLES
from wampy.errors import WampyError
from wampy.peers.clients import Client

logging.disable(logging.CRITICAL)
URL = sys.argv[1]
checks = 0


def check(condition, what):
    global checks
    if not condition:
        raise AssertionError(what)
    checks += 1


def roles(authid, method):
    return dict(copy.deepcopy(DEFAULT_ROLES), authid=authid, authmethods=[method])


def refused(*login):
    try:
        with Client(url=URL, roles=roles(*login)):
            return False
    except WampyError as error:
        # Somebody who is not known is taken for one of those who are, maybe one with another method.
        return "authentication_denied" in str(error) or "no_matching_auth_method" in str(error)


for login in [("ticket", "ticket"), ("cra", "wampcra")]:
    with Client(url=URL, roles=roles(*login)) as client:
        session = client.call("wamp.session.get", client.session.id)
        check(session["authid"] == login[0] and session["authmethod"] == login[1], f"{login}: {session}")
os.environ["WAMPYSECRET"] = "wrong"
for login in [("ticket", "ticket"), ("cra", "wampcra"), ("nobody", "wampcra")]:
    check(refused(*login), f"{login} with a wrong secret")

print(f"wampy {URL}: {checks} checks of authentication passed")
