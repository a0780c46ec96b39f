"""A real mail server on a free port of loopback: prints its port, then each letter as a JSON line, until stdin closes.

Arguments: `login` asks for user `shifter` with the password `a-secret-word`; `refuse` takes no recipient.
"""
import json
import socket
import sys
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if "refuse" in sys.argv:
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = message_from_bytes(envelope.content, policy=policy.default)
        said = {"to": envelope.rcpt_tos, "from": envelope.mail_from, "subject": letter["subject"],
                "auto": letter["auto-submitted"], "text": letter.get_content(), "login": session.authenticated}
        print(json.dumps(said), flush=True)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(handled=False, success=data.login == b"shifter" and data.password == b"a-secret-word")


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
more = {"auth_require_tls": False, "auth_required": True, "authenticator": authenticate} if "login" in sys.argv else {}
controller = Controller(Handler(), hostname="127.0.0.1", port=port, **more)
controller.start()
print(port, flush=True)
sys.stdin.read()
controller.stop()
