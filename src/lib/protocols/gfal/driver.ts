// The program that talks to gfal2, one JSON line each way. A question costs 1-5 ms, a gfal-* command 200 ms.
// Its first lines keep modules of the working folder, which may be anybody's, from being loaded.
export const DRIVER = String.raw`
import sys
sys.path[:] = [place for place in sys.path if place]
import json, os, stat, sys, time
from concurrent.futures import ThreadPoolExecutor
answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
os.dup2(2, 1)
try:
    import gfal2
except ImportError as error:
    answers.write(json.dumps({"absent": str(error)}) + "\n")
    sys.exit(1)
gfal2.set_verbose(gfal2.verbose_level.normal)
ctx = gfal2.creat_context()

def failure(error):
    return {"code": error.code, "text": error.message}

def guard(work, *args):
    try:
        return work(*args)
    except gfal2.GError as error:
        return failure(error)

def stat_one(url):
    one = ctx.stat(url)
    return {"size": one.st_size, "mtime": one.st_mtime, "folder": stat.S_ISDIR(one.st_mode)}

def do_stat(q):
    with ThreadPoolExecutor(q.get("threads", 8)) as pool:
        return {"each": list(pool.map(lambda url: guard(stat_one, url), q["urls"]))}

def do_sum(q):
    return {"sums": [ctx.checksum(q["url"], type) for type in q["types"]]}

def do_rm(q):
    with ThreadPoolExecutor(4) as pool:
        return {"each": list(pool.map(lambda url: guard(gone, url) or {}, q["urls"]))}

def do_mkdir(q):
    ctx.mkdir_rec(q["url"], 0o755)
    return {}

def there(url):
    try:
        ctx.stat(url)
        return True
    except gfal2.GError as error:
        if error.code != 2:
            raise
        return False

# Some HTTP servers (XRootD 5) take the destination of a MOVE as it is written, others (the standard) percent-encoded.
def do_rename(q):
    source, target, raw = q["source"], q["target"], q.get("raw")
    if raw is None:
        ctx.rename(source, target)
        return {}
    ctx.stat(source)
    # The same server would put this file over one whose own name is this name in percent-encoding.
    if there(q["wrong"]):
        return {"code": 17, "text": "a file is there whose name is this one in percent-encoding, and an HTTP server may take one for the other: rename one, or reach this element by another protocol"}
    gone(target)
    first = guard(ctx.rename, source, target)
    if not isinstance(first, dict) and there(target):
        return {}
    second = guard(ctx.rename, source if there(source) else q["wrong"], raw)
    if not isinstance(second, dict) and there(target):
        return {}
    for answer in (first, second):
        if isinstance(answer, dict):
            return answer
    return {"code": 5, "text": "renamed, but not there by its new name"}

def gone(url):
    try:
        ctx.unlink(url)
    except gfal2.GError as error:
        if error.code != 2:
            raise

# Servers know files by name and second: what replaces another within it would be taken for that one.
def do_copy(q):
    gone(q["target"])
    p = ctx.transfer_parameters()
    p.overwrite = True
    p.create_parent = True
    p.timeout = q["timeout"]
    p.nbstreams = q["streams"]
    p.set_checksum(gfal2.checksum_mode.target, "adler32", q["adler32"])
    ctx.filecopy(p, q["source"], q["target"])
    found = ctx.checksum(q["target"], "adler32").lower().rjust(8, "0")
    if found != q["adler32"]:
        return {"code": 84, "text": "the server has adler32 %s, %s was sent" % (found, q["adler32"])}
    return {}

def do_list(q):
    files, folders = [], [q["url"]]
    while folders:
        folder = folders.pop()
        handle = ctx.opendir(folder)
        while True:
            try:
                entry, one = handle.readpp()
            except gfal2.GError as error:
                if error.code == 2 and folder != q["url"]:
                    break
                raise
            if entry is None or not entry.d_name:
                break
            name = entry.d_name
            if name in (".", ".."):
                continue
            url = folder.rstrip("/") + "/" + escape(name, q["escape"])
            if stat.S_ISDIR(one.st_mode):
                folders.append(url)
            else:
                files.append([url[len(q["url"]):].lstrip("/"), one.st_size, one.st_mtime])
    return {"files": files}

def escape(name, how):
    from urllib.parse import quote
    return quote(name, safe="") if how == "all" else name.replace("%", "%25").replace("#", "%23") if how == "percent" else name

def do_stage(q):
    end = time.time() + q["timeout"]
    state, token = ctx.bring_online(q["url"], q["pin"], q["timeout"], True)
    while state == 0 and time.time() < end:
        time.sleep(min(10, max(1, q["timeout"] / 100)))
        state = ctx.bring_online_poll(q["url"], token)
    return {} if state > 0 else {"code": 110, "text": "not brought online from tape in time"}

# gfal2 asks no HTTP server for its space: the properties of RFC 4331, with the credentials that gfal2 would take.
def do_space(q):
    import re, ssl, urllib.request
    from urllib.parse import quote, urlsplit, urlunsplit
    place = urlsplit(q["url"])
    scheme = {"dav": "http", "davs": "https"}.get(place.scheme, place.scheme)
    if scheme not in ("http", "https"):
        return {}
    ask = urllib.request.Request(urlunsplit((scheme, place.netloc, quote(place.path, safe="/%"), place.query, "")), method="PROPFIND",
        data=b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>',
        headers={"Depth": "0", "Content-Type": "application/xml"})
    token = os.environ.get("BEARER_TOKEN")
    if not token and os.environ.get("BEARER_TOKEN_FILE"):
        token = open(os.environ["BEARER_TOKEN_FILE"]).read().strip()
    if token and scheme == "https":
        ask.add_unredirected_header("Authorization", "Bearer " + token)
    context = None
    if scheme == "https":
        context = ssl.create_default_context(capath=os.environ.get("X509_CERT_DIR"))
        proxy = os.environ.get("X509_USER_PROXY", "/tmp/x509up_u%d" % os.getuid())
        if os.path.exists(proxy):
            context.load_cert_chain(proxy)
    try:
        text = urllib.request.urlopen(ask, timeout=10, context=context).read(100000).decode("utf-8", "replace")
    except Exception:
        return {}
    number = lambda name: [int(n) for n in re.findall("quota-%s-bytes[^>]*>(\\d+)<" % name, text)]
    free, used = number("available"), number("used")
    return {"free": free[0], "used": used[0]} if free and used else {}

for line in sys.stdin:
    q = json.loads(line)
    try:
        answer = globals()["do_" + q["do"]](q)
    except gfal2.GError as error:
        answer = failure(error)
    except Exception as error:
        answer = {"code": -1, "text": "%s: %s" % (type(error).__name__, error)}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
`;

/** Writes the bytes of a URL from an offset to stdout; what failed goes to stderr as one line of JSON. */
export const READER = String.raw`
import sys
sys.path[:] = [place for place in sys.path if place]
import json, os, sys
try:
    import gfal2
except ImportError as error:
    sys.stderr.write(json.dumps({"absent": str(error)}) + "\n")
    sys.exit(1)
out = os.fdopen(os.dup(1), "wb", buffering=0)
os.dup2(2, 1)
url, at, end = os.environ.pop("DFLOW_URL"), int(sys.argv[1]), int(sys.argv[2])
try:
    source = gfal2.creat_context().open(url, "r")
    while at < end:
        data = source.pread_bytes(at, min(4 << 20, end - at))
        if not data:
            break
        view = memoryview(data)
        while view:
            view = view[out.write(view):]
        at += len(data)
except gfal2.GError as error:
    sys.stderr.write(json.dumps({"code": error.code, "text": error.message}) + "\n")
    sys.exit(1)
os._exit(0)
`;
