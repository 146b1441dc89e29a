"""Compressed responses for clients that ask for them (RFC 9110 §12.5.3)."""

import gzip
from functools import lru_cache
from typing import Final

import brotli
from fastapi import Request
from starlette.responses import Response

SMALL: Final = 1_024
"""Bytes below which compressing is not worth it."""

GZIP_LEVEL: Final = 4
BROTLI_QUALITY: Final = 4
"""At these levels 80 KB of a report take half a millisecond; the next ones ten times as long."""

IDENTITY: Final = "identity"


def coding_of(request: Request) -> str:
    """Returns the content coding to respond in: br, gzip or identity."""
    return _chosen(request.headers.get("accept-encoding", ""))


@lru_cache(maxsize=256)
def _chosen(accepted: str) -> str:
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        weights[name] = weight
    best, best_weight = IDENTITY, 0.0
    for coding in ("br", "gzip"):
        weight = weights.get(coding, weights.get("*", 0.0))
        if weight > best_weight:
            best, best_weight = coding, weight
    return best


def compressed(content: bytes, coding: str) -> bytes:
    match coding:
        case "br":
            return bytes(brotli.compress(content, quality=BROTLI_QUALITY))
        case "gzip":
            return gzip.compress(content, GZIP_LEVEL, mtime=0)
        case _:
            return content


def compressed_response(
    request: Request, content: bytes, media_type: str, headers: dict[str, str]
) -> Response:
    """Returns a response in the coding that was asked for, compressed now."""
    coding = coding_of(request) if len(content) >= SMALL else IDENTITY
    if coding != IDENTITY:
        headers = {**headers, "Content-Encoding": coding}
        content = compressed(content, coding)
    return Response(content, media_type=media_type, headers=headers)
