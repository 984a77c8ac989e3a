"""Reads events as any consumer in Python would: one a line, with nothing but the standard library.

Prints for each what it found: whether data.raw (in a dead letter data.data) is the value that stands last in the body, and
the hash of the exact bytes, cut out by the documented rule. An event that can't be parsed ends it with an error.
"""

import base64
import hashlib
import json
import sys

for body in sys.stdin.buffer:
    body = body.removesuffix(b"\n")
    event = json.loads(body)
    json.dumps(event, ensure_ascii=False).encode()  # fails where a text has half of a character
    end = len(body) - 2
    member = body[end - event["rawlength"] : end]
    value = json.loads(member)
    if event["rawencoding"] == "json":
        exact = member
    elif event["rawencoding"] == "text":
        exact = value.encode()
    else:
        exact = base64.b64decode(value)
    told = event["data"]["raw" if event["type"] == "review.received.v1" else "data"]
    found = {
        "key": event["recordkey"],
        "type": event["type"],
        "encoding": event["rawencoding"],
        "same": told == value and body[end:] == b"}}",
        "hash": "sha256:" + hashlib.sha256(exact).hexdigest(),
        "rawhash": event["rawhash"],
    }
    print(json.dumps(found, ensure_ascii=False))
