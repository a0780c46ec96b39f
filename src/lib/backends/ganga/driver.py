# Run by `ganga` for dflow: one question a line on stdin (JSON), one answer a line on the stdout that it was started with.
# Knows Ganga's jobs by name and nothing else: tickets, marks and records are dflow's. Ends when stdin ends, and when the
# process that started it is gone: it must not go on submitting for somebody who no longer listens.
import asyncio
import inspect
import json
import logging
import os
import sys

# Ganga and what it starts print to 1 and may read 0; both are kept for dflow alone.
questions = os.fdopen(os.dup(0), "r", encoding="utf-8")
answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
null = os.open(os.devnull, os.O_RDWR)
os.dup2(null, 0)
os.dup2(null, 1)
os.close(null)

import GangaCore
from GangaCore.GPIDev.Base.Proxy import stripProxy

PARENT = os.getppid()
ACTIVE = ("submitted", "running")
# Name of a job -> its number in Ganga.
known = {}


class Words(logging.Handler):
    """Keeps what the command of the batch system behind Ganga said: Ganga itself only says that it failed."""

    def __init__(self):
        logging.Handler.__init__(self, logging.WARNING)
        self.lines = []

    def emit(self, record):
        # Around it are Ganga's words: the command's own output is what is filled in.
        self.lines.extend(str(said) for said in record.args or ())

    def listen(self, made):
        logger = getattr(sys.modules[type(stripProxy(made)).__module__], "logger", None)
        if logger is not None and self not in logger.handlers:
            logger.addHandler(self)
            # Ganga was told to be quiet: those are warnings.
            logger.setLevel(logging.WARNING)
        self.lines = []


words = Words()


class Refused(Exception):
    """Something is wrong that no repetition mends: `kind` says what."""

    def __init__(self, kind, text, names=()):
        Exception.__init__(self, text)
        self.kind = kind
        self.names = list(names)


def remember(prefix):
    """Finds dflow's jobs. After a kill -9 Ganga's index is older than its jobs, so what looks unborn is read in full."""
    for number in jobs.ids():
        job = jobs(number)
        if job.status == "new" or not job.comment:
            raw = stripProxy(job)
            raw._getRegistry()._load(raw)
        if job.comment.startswith(prefix):
            known[job.comment] = number


def find(name):
    number = known.get(name)
    if number is None:
        return None
    try:
        job = jobs(number)
    except Exception:
        # Somebody removed it by hand.
        del known[name]
        return None
    return job if job.comment == name else None


def make_backend(question):
    kind = globals().get(question["via"])
    if kind is None:
        raise Refused("no-backend", "Ganga has no backend %s" % question["via"])
    made = kind()
    items = stripProxy(made)._schema.allItems()
    settable = [name for name, item in items if not item["protected"] and not item["hidden"]]
    for name, value in question["options"].items():
        if name not in settable:
            raise Refused("unknown-option", name, settable)
        try:
            setattr(made, name, value)
        except Exception as error:
            raise Refused("bad-option", "%s: %s" % (name, error))
    return made


def batch_template_is_old(made):
    """The batch template of releases before 2024-04-09 fails in every job: it is Python 2."""
    kind = type(stripProxy(made))
    folder = os.path.dirname(os.path.abspath(inspect.getfile(kind)))
    path = os.path.join(folder, "BatchScriptTemplate.py.template")
    if not os.path.exists(path):
        return False
    with open(path) as template:
        return "iteritems" in template.read()


def do_hello(question):
    old = batch_template_is_old(make_backend(question))
    remember(question["prefix"])
    unborn = [name for name in known if jobs(known[name]).status in ("new", "submitting")]
    for name in unborn:
        forget(name)
    return {"version": str(GangaCore._gangaVersion), "old": old, "jobs": len(known), "leftover": unborn}


def is_at_work(job):
    """Whether the process lives that Ganga's Local started for this job. One that was never reaped has no command line."""
    pids = getattr(stripProxy(job).backend, "wrapper_pid", None)
    for pid in pids if isinstance(pids, list) else [pids]:
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as line:
                if os.fsencode(job.inputdir) in line.read():
                    return True
        except OSError:
            pass
    return False


def forget(name):
    job = find(name)
    if job is not None:
        # Ganga would leave it in the common temporary folder.
        if job.status in ACTIVE and hasattr(stripProxy(job).backend, "remove_workdir"):
            stripProxy(job).backend.remove_workdir()
        job.remove(force=True)
    known.pop(name, None)


def do_submit(question):
    """Stops at the first that Ganga does not take: the others were not tried."""
    ids = {}
    for one in question["jobs"]:
        if os.getppid() != PARENT:
            sys.exit(0)
        job = Job(name=one["name"], comment=one["name"])
        known[one["name"]] = job.id
        job.application = Executable(exe=one["exe"], args=one["args"])
        made = make_backend(question)
        for name, value in one.get("with", {}).items():
            setattr(made, name, value)
        job.backend = made
        # Otherwise it sleeps 0.25 s a job, and waits for ever after an exception.
        job.parallel_submit = False
        words.listen(made)
        try:
            job.submit()
        except Exception as error:
            failed = "%s" % error
            forget(one["name"])
            return {"ids": ids, "failed": {"name": one["name"], "why": failed, "said": "\n".join(words.lines)}}
        ids[one["name"]] = str(job.id)
    return {"ids": ids}


def refresh(raws):
    """Asks Ganga's own monitors, here and now: its background thread would answer one poll too late."""
    kinds = {}
    for raw in raws:
        kinds.setdefault(type(raw.backend), []).append(raw)
    for kind, group in kinds.items():
        work = kind.updateMonitoringInformation(group)
        if inspect.isawaitable(work):
            asyncio.run(work)


def do_status(question):
    found = {name: find(name) for name in question["names"]}
    raws = [stripProxy(job) for job in found.values() if job is not None and job.status in ACTIVE]
    if raws:
        refresh(raws)
    rows = {}
    for name, job in found.items():
        if job is None:
            continue
        exit_code = getattr(job.backend, "exitcode", None)
        rows[name] = {"status": job.status, "id": str(job.id), "exit": exit_code if isinstance(exit_code, int) else None}
    return {"jobs": rows}


def do_kill(question):
    """Those that Ganga could not kill are named: they are asked again, or their wrapper stops them."""
    failed = []
    for name in question["names"]:
        job = find(name)
        if job is None or job.status not in ACTIVE:
            continue
        try:
            job.kill()
        except Exception as error:
            failed.append("%s: %s" % (name, error))
    return {"failed": failed}


def do_tidy(question):
    """Removes jobs that dflow is done with, so that the registry stays as small as what is active."""
    open_names = set(question["open"])
    done = [name for name in known if name not in open_names][: question["limit"]]
    active = [job for job in map(find, done) if job is not None and job.status in ACTIVE]
    if active:
        refresh([stripProxy(job) for job in active])
    # What is told to end and has not yet is removed the next time; one that Ganga has running for ever (its wrapper was
    # killed) goes now.
    ending = set(job.comment for job in active if job.status in ACTIVE and is_at_work(job))
    for name in done:
        if name not in ending:
            forget(name)
    return {"removed": len(done) - len(ending)}


def answer(question):
    try:
        return globals()["do_" + question["do"]](question)
    except Refused as error:
        return {"refused": error.kind, "text": str(error), "names": error.names}
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}


while True:
    line = questions.readline()
    if not line or os.getppid() != PARENT:
        break
    answers.write(json.dumps(answer(json.loads(line))) + "\n")
