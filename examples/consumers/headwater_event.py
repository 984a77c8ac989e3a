"""What every consumer in Python needs: the event of a message, and the exact bytes that were received."""

import base64
import hashlib
import json


def event_of(body: bytes) -> dict:
    return json.loads(body)


def raw_of(body: bytes, event: dict) -> bytes:
    """The bytes as they came, cut out of the body, not parsed and printed again. Fails where they were altered."""
    end = len(body) - 2  # behind raw there is }} and nothing else
    raw = body[end - event["rawlength"] : end]
    if event["rawencoding"] == "text":
        raw = json.loads(raw).encode()
    elif event["rawencoding"] == "base64":
        raw = base64.b64decode(json.loads(raw))
    if event["rawhash"] != "sha256:" + hashlib.sha256(raw).hexdigest():
        raise ValueError(f"raw of {event['recordkey']} was altered on its way")
    return raw
