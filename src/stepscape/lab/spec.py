"""What a run is: a frozen, typed spec, its canonical form and its identity.

The identity hashes what decides the bits of a result and nothing else. Times, hosts, versions and the kind of
processor are provenance: they stand beside a record and never in its name.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np

from stepscape.arguments import text, whole
from stepscape.errors import InputError, bad, expect

SCHEMA = 1  # of the canonical form; raising it gives every run a new identity
IDENTITY = re.compile("[0-9a-f]{32}")
AnySpec = TypeVar("AnySpec", bound="Spec")


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all specs; a subclass names its kind and version, such as ``tag="curve-fitting/1"``.

    Fields are whole numbers, numbers, text, yes/no, tuples of these, or further structs. Raise the version
    in the tag when the same fields come to mean another computation: old records are then not mistaken for
    new ones.
    """


def canonical(spec: Spec) -> bytes:
    """Return the form that is hashed: UTF-8 JSON, keys sorted, shortest exact numbers, schema version first.

    A number given as 1 where the field is a float becomes 1.0, -0.0 becomes 0.0, and NumPy's numbers become
    Python's: equal specs have equal forms.

    Raises
    ------
    InputError
        A field has another type than declared, is not finite, or is text that UTF-8 cannot write.
    """
    expect("spec", spec, Spec)
    try:
        # Structs are not checked when they are made in Python; converting checks and normalizes.
        clean = msgspec.convert(_builtins(spec), type(spec))
        plain = _normalized(_builtins(clean), "")
        return _json(plain)
    except (msgspec.ValidationError, TypeError, UnicodeEncodeError) as error:
        raise InputError(f"the spec of a run is not of its type: {error}") from None


def identity(spec: Spec) -> str:
    """Name a run by the first 128 bits of the SHA-256 of its canonical form, in hexadecimal."""
    return _digest(canonical(spec))


def identity_of(plain: Mapping[str, Any]) -> str:
    """Name a run by the plain form of its spec, as JSON gives it back."""
    return _digest(_json(plain))


def columns(spec: Spec | Mapping[str, Any]) -> dict[str, Any]:
    """Flatten a spec to one row of a table: leaves by their own names, kinds of nested structs by theirs.

    The plain form of a spec, as JSON gives it back, will do as well.

    >>> class Data(msgspec.Struct, frozen=True):
    ...     n: int
    >>> class Run(Spec, frozen=True, tag="run/1"):
    ...     data: Data
    ...     seed: int
    >>> columns(Run(data=Data(n=30), seed=0))
    {'n': 30, 'seed': 0}

    Raises
    ------
    InputError
        Two leaves bear the same name.
    """
    found: dict[str, Any] = {}
    for name, value in _leaves(_builtins(spec)):
        if name in found:
            raise bad("the fields of a spec", "have different names", f"{name!r} twice")
        found[name] = value
    del found["kind"]
    return found


def stream(seed: int, purpose: str) -> int:
    """Derive the seed of one random stream of a run: another purpose gives independent numbers.

    Labels are drawn with the seed itself, so that ``curve(..., seed=s)`` is the problem of a run with seed s;
    whatever else is random must not repeat the draws of the labels.

    >>> stream(0, "network") != stream(1, "network") != stream(0, "held out")
    True
    """
    digest = hashlib.sha256(
        f"{text('purpose', purpose)}/{whole('seed', seed, most=math.inf)}".encode()
    ).digest()
    return int.from_bytes(digest[:8], "big")


def _json(plain: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode([SCHEMA, plain], order="sorted")


def _digest(form: bytes) -> str:
    return hashlib.sha256(form).hexdigest()[:32]


def _builtins(value: Any) -> Any:
    """Structs → dictionaries; sets in order, so that the seed of Python's hashes does not matter."""
    return msgspec.to_builtins(value, order="deterministic", enc_hook=_plain_number)


def _plain_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a field must be a number, text or a tuple of these, got {type(value).__name__}")


def _normalized(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return {key: _normalized(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normalized(item, where) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise bad(where, "be finite", value)
        return value + 0.0  # -0.0 + 0.0 = 0.0
    return value


def _leaves(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, dict):
            yield from ((name, leaf) if key == "kind" else (key, leaf) for key, leaf in _leaves(item))
        else:
            yield name, item
