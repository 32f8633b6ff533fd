"""A small licence client: claims a seat, keeps it by heartbeats, works while the server is away, gives it back.

usage: python client.py [--beats N] [--wait-at-most SECONDS]

Each time something is known it prints a line of JSON: whether new work may begin (`may`), why (`code`), and until when
this holds without another answer (`until`, seconds). It never ends the program beside it. Python's standard library, and
`cryptography` for the signatures. Settings are variables of the environment; see README.md.
"""

import argparse
import hmac
import json
import os
import random
import re
import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from verify import AHEAD, verify

# The issuer, the tool and the keys come with the tool: nothing that a user can set says whom to trust.
PINNED = json.loads(Path(__file__).with_name("pinned.json").read_text("utf-8"))
FINGERPRINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{2,127}")
MACHINE = re.compile(r"[0-9a-f]{32}")
LONGEST, SHORTEST = 300, 5  # seconds between two tries
NO_NODE = (
    "No stable id of this machine is known, so it cannot hold a seat: set FLAGOS_NODE_ID, or FLAGOS_CLUSTER with NODE_NAME"
    " (Kubernetes: spec.nodeName), or mount the host's /etc/machine-id and name it in FLAGOS_MACHINE_ID_FILE."
)


def contained():
    """Whether this is a container, whose own machine-id changes or is shared with others of its image."""
    signs = ("/.dockerenv", "/run/.containerenv", "/run/secrets/kubernetes.io")
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) or any(Path(one).exists() for one in signs)


def fingerprint(env, tool):
    """Return the first stable id of this machine that exists; an invented one would eat a seat at each start."""
    found = env.get("FLAGOS_NODE_ID", "")
    if not found and env.get("FLAGOS_CLUSTER") and env.get("NODE_NAME"):
        found = f"k8s:{env['FLAGOS_CLUSTER']}.{env['NODE_NAME']}"
    if not found:
        file = env.get("FLAGOS_MACHINE_ID_FILE") or ("" if contained() else "/etc/machine-id")
        told = Path(file).read_text("ascii", "replace").strip() if file and Path(file).is_file() else ""
        # machine-id(5): it is confidential and leaves the host only as a keyed hash.
        found = (
            "sha256:" + hmac.digest(told.encode(), tool.encode(), "sha256").hex()
            if MACHINE.fullmatch(told)
            else ""
        )
    if not FINGERPRINT.fullmatch(found):
        sys.exit(NO_NODE)
    return found


class Licence:
    """What is known of the right to run, kept in a folder so that a restart knows it too."""

    def __init__(self, env):
        self.tool, self.node = PINNED["tool"], fingerprint(env, PINNED["tool"])
        self.url, self.file = (
            env.get("FLAGOS_LICENCE_URL", "").rstrip("/"),
            env.get("FLAGOS_LICENCE_FILE", ""),
        )
        self.key = env.get("FLAGOS_LICENCE_KEY", "")
        if not self.key and env.get("FLAGOS_LICENCE_KEY_FILE"):
            self.key = Path(env["FLAGOS_LICENCE_KEY_FILE"]).read_text("utf-8").strip()
        if not self.file and not (self.url and self.key):
            sys.exit("Set FLAGOS_LICENCE_FILE, or FLAGOS_LICENCE_URL and FLAGOS_LICENCE_KEY.")
        self.home = Path(env.get("FLAGOS_LICENCE_STATE", "licence-state"))
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.run, self.failures = secrets.token_hex(8), 0

    def kept(self, name, default=""):
        """Return what was kept under a name."""
        file = self.home / name
        return file.read_text("utf-8").strip() if file.is_file() else default

    def keep(self, name, text):
        """Keep a text, whole or not at all."""
        new = self.home / f"{name}.new"
        new.write_text(text, "utf-8")
        new.replace(self.home / name)

    def set_back(self, now):
        """Whether the clock was set back: it and every server's time seen only ever rise."""
        mark = int(self.kept("mark", "0"))
        if now > mark:
            self.keep("mark", str(int(now)))
        return now < mark - AHEAD

    def proved(self, now):
        """Return the claims of the proof or file at hand if it is in force."""
        try:
            token = Path(self.file).read_text("utf-8").strip() if self.file else self.kept("proof")
            claims = verify(token, PINNED, issuer=PINNED["issuer"], tool=self.tool, node=self.node, now=now)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if claims.get("iat", 0) > int(self.kept("mark", "0")):
            self.keep("mark", str(claims["iat"]))
        return claims

    def beat(self):
        """Ask once; return what is known now, and in how many seconds to ask again."""
        if self.file:
            return self.state(time.time(), "OFFLINE_FILE"), LONGEST
        status, said, retry = self.send("PUT", {"run": self.run, "tool": self.tool})
        if status in (200, 201):
            self.failures = 0
            self.keep("refused", "")
            self.keep("proof", said.get("proof") or "")
            return self.state(time.time(), said["code"], answered=True), said["renew_after_s"]
        if (
            400 <= status < 500 and status not in (408, 429) and said.get("code")
        ):  # an answer: it counts at once
            self.keep("refused", said["code"])
            self.keep("proof", "")
            known = self.state(time.time(), said["code"])
        else:  # no answer says nothing: what is proved goes on
            known = self.state(time.time(), "SERVER_AWAY")
        self.failures += 1
        return known, retry or min(LONGEST, SHORTEST * 2 ** min(self.failures, 8))

    def state(self, now, code, answered=False):
        """Return whether new work may begin: by an answer just now, else by what is proved."""
        if self.set_back(now):
            return {"may": False, "code": "CLOCK_SET_BACK", "until": 0}
        claims = self.proved(now)
        if not self.file and self.kept("refused"):
            return {"may": False, "code": self.kept("refused"), "until": 0}
        if claims is not None:
            return {"may": True, "code": code, "until": claims["exp"]}
        return {"may": answered, "code": "FILE_REFUSED" if self.file else code, "until": 0}

    def send(self, method, body=None, query=""):
        """Send one request; return status (0: none), body and Retry-After. The key goes into the header and nowhere else."""
        asked = urllib.request.Request(
            f"{self.url}/api/v1/licences/nodes/{self.node}{query}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", "Accept-Language": "en"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"{}"), 0
        except urllib.error.HTTPError as error:
            wait = error.headers.get("Retry-After", "")
            try:
                return error.code, json.loads(error.read()), int(wait) if wait.isdigit() else 0
            except ValueError:
                return error.code, {}, 0
        except (OSError, ValueError):
            return 0, {}, 0


def main():
    """Beat until told to end, then give the seat back."""
    asked = argparse.ArgumentParser(description="A licence client")
    asked.add_argument("--beats", type=int, default=0)
    asked.add_argument("--wait-at-most", type=float, default=86_400)
    given = asked.parse_args()
    licence, ends = Licence(os.environ), []
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: ends.append(True))
    beats = 0
    while not ends:
        known, wait = licence.beat()
        sys.stdout.write(json.dumps(known) + "\n")
        sys.stdout.flush()
        beats += 1
        if beats == given.beats:
            break
        until = time.monotonic() + min(given.wait_at_most, wait * random.uniform(0.9, 1.1))
        while not ends and time.monotonic() < until:
            time.sleep(min(0.2, max(0.0, until - time.monotonic())))
    if not licence.file and licence.send("DELETE", query=f"?run={licence.run}")[0] == 204:
        licence.keep("proof", "")  # the seat is given back, and so is the right to run without an answer


if __name__ == "__main__":
    main()
