# Many small files of one server at once, by XRootD's own Python bindings: one question a line on stdin (JSON), one answer
# a line on stdout. A file costs a twentieth of what it costs xrdcp and xrdfs. Knows paths on the server and local files.
import sys

# Modules of the working folder, which may be anybody's, are not loaded.
sys.path[:] = [place for place in sys.path if place]
import json
import os
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
os.dup2(2, 1)
try:
    from XRootD import client
    from XRootD.client.flags import AccessMode, OpenFlags, QueryCode
except ImportError as error:
    answers.write(json.dumps({"absent": str(error)}) + "\n")
    sys.exit(1)

SERVER = sys.argv[1]
MODE = AccessMode.UR | AccessMode.UW | AccessMode.GR | AccessMode.OR
# kXR_NotFound
MISSING = 3011
# No more checksums at once: of many a server (5.5.3) lets some wait for half a minute; another host may ask, too.
summing = threading.Semaphore(2)
system = client.FileSystem(SERVER)


class Failure(Exception):
    pass


class Pace:
    """Bytes a second of all threads together."""

    def __init__(self, rate):
        self.rate = rate
        self.lock = threading.Lock()
        self.free = time.monotonic()

    def take(self, count):
        if self.rate:
            with self.lock:
                self.free = max(self.free, time.monotonic()) + count / self.rate
                until = self.free
            time.sleep(max(0, until - time.monotonic()))


def ok(answer):
    status, value = answer
    if not status.ok:
        raise Failure(status.message.strip())
    return value


def bytes_of(local, size, adler32):
    with open(local, "rb") as source:
        data = source.read(size + 1)
    if len(data) != size or "%08x" % zlib.adler32(data) != adler32:
        raise Failure("the source is not what it was")
    return data


def put(one, pace, timeout):
    """Only to where nothing is; what was written is left to the caller when the rest fails."""
    local, path, size, adler32 = one
    data = bytes_of(local, size, adler32)
    pace.take(size)
    target = client.File()
    ok(target.open(SERVER + path, OpenFlags.NEW, MODE, timeout=timeout))
    try:
        if data:
            ok(target.write(data, 0, timeout=timeout))
    finally:
        closed = target.close(timeout=timeout)
    ok(closed)
    with summing:
        answer = ok(system.query(QueryCode.CHECKSUM, path, timeout=timeout))
    words = answer.decode("utf-8", "replace").rstrip("\0\n").split()
    if len(words) != 2 or words[0] != "adler32":
        raise Failure("the server answers no adler32 checksum")
    if words[1].lower().rjust(8, "0") != adler32:
        raise Failure("check sum error: the server has adler32 %s, %s was sent" % (words[1], adler32))
    return True


def read(path, most, timeout):
    """Size and adler32 of what is read now; None of what is larger than `most`."""
    source = client.File()
    ok(source.open(SERVER + path, OpenFlags.READ, timeout=timeout))
    try:
        size, adler32 = 0, 1
        while True:
            # One byte more shows that there is more.
            data = ok(source.read(size, most + 1 - size, timeout=timeout))
            if not data:
                return [size, "%08x" % adler32]
            size, adler32 = size + len(data), zlib.adler32(data, adler32)
            if size > most:
                return None
    finally:
        source.close(timeout=timeout)


def do_read(q, each):
    return each(lambda path: read(path, q["most"], q["timeout"]), q["paths"])


def do_put(q, each):
    pace = Pace(q["rate"])
    return each(lambda one: put(one, pace, q["timeout"]), q["files"])


def look(path, timeout):
    status, _ = system.stat(path, timeout=timeout)
    if not status.ok and status.errno == MISSING:
        return False
    ok((status, None))
    return True


def do_look(q, each):
    return each(lambda path: look(path, q["timeout"]), q["paths"])


def move(pair, timeout):
    ok(system.mv(pair[0], pair[1], timeout=timeout))
    return True


def do_move(q, each):
    return each(lambda pair: move(pair, q["timeout"]), q["pairs"])


def guarded(work):
    """What it answers; what went wrong, in words."""

    def one(item):
        try:
            return work(item)
        except (Failure, OSError) as error:
            return str(error) or "failed"

    return one


with ThreadPoolExecutor(4) as pool:
    for line in sys.stdin:
        q = json.loads(line)
        try:
            done = globals()["do_" + q["do"]](q, lambda work, items: list(pool.map(guarded(work), items)))
            answer = {"each": done}
        except Exception as error:
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        answers.write(json.dumps(answer) + "\n")
