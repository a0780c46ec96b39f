"""A real mail server on a free port of loopback: prints its port, then each letter as a JSON line, until stdin closes.

Arguments, any of them: `login` asks for user `shifter` with the password `a-secret-word`; `refuse` takes no recipient,
`refuse=ADDRESS` not this one; `tls=CERT,KEY` is TLS from the first byte, `starttls=CERT,KEY` offers it; `cut` closes the
line after the letter was sent, `slow` answers a letter with single bytes, for ever.
"""
import asyncio
import json
import socket
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

MOODS = dict(one.partition("=")[::2] for one in sys.argv[1:])


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if "refuse" in MOODS and MOODS["refuse"] in ("", address):
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "cut" in MOODS:
            server.transport.abort()
            return "250 taken"
        while "slow" in MOODS:
            server.transport.write(b"2")
            await asyncio.sleep(0.1)
            if server.transport.is_closing():
                return "250 taken"
        letter = message_from_bytes(envelope.content, policy=policy.default)
        said = {"to": envelope.rcpt_tos, "from": envelope.mail_from, "subject": letter["subject"],
                "auto": letter["auto-submitted"], "text": letter.get_content(), "login": session.authenticated,
                "tls": session.ssl is not None or "tls" in MOODS}
        print(json.dumps(said), flush=True)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(handled=False, success=data.login == b"shifter" and data.password == b"a-secret-word")


def context(files):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files.split(","))
    return made


class Server(Controller):
    def factory(self):
        more = {"tls_context": context(MOODS["starttls"])} if "starttls" in MOODS else {}
        if "login" in MOODS:
            more |= {"auth_require_tls": "starttls" in MOODS, "auth_required": True, "authenticator": authenticate}
        return SMTP(self.handler, **more)


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
tls = {"ssl_context": context(MOODS["tls"])} if "tls" in MOODS else {}
controller = Server(Handler(), hostname="127.0.0.1", port=port, **tls)
controller.start()
print(port, flush=True)
sys.stdin.read()
controller.stop()
