"""What a careful team writes first: FastAPI, pydantic, h3, one transaction per session. Answers like hum's POST /sessions.

Keys, ZIP codes, providers and plans are in memory; the session is in the database before the answer. See bench/README.md.
"""

import hashlib
import json
import os
import secrets
import time
import uuid
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from address import normalize
from broadband import Broadband
from places import Places
from request import NewSession
from sessions import Sessions

IDLE_US = 30 * 60 * 1_000_000

with open(os.environ["API_KEYS"], encoding="utf-8") as file:
    # SHA-256 of each key in hexadecimal → org, role, scopes.
    keys: dict[str, dict] = json.load(file)
places = Places(os.environ["ZIPS"])
broadband = Broadband(os.environ["AVAILABILITY"], os.environ["PLANS"], os.environ["VINTAGE"])
sessions = Sessions(os.environ["DATABASE"])
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str, errors: list[dict] | None = None):
        self.status = status
        self.body = {"message": message, "request_status": "error", "data": {"code": code, "errors": errors or []}}


def rfc3339(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@app.exception_handler(Refused)
async def refuse(_: Request, refused: Refused) -> JSONResponse:
    return JSONResponse(refused.body | {"meta": {"responded_at": rfc3339(time.time_ns() // 1000)}}, refused.status)


@app.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    errors = [{"field": "/".join(map(str, one["loc"][1:])), "detail": one["msg"]} for one in error.errors()]
    return await refuse(request, Refused(422, "invalid", "The address cannot be used; data.errors says why.", errors))


async def authenticate(authorization: Annotated[str, Header()] = "") -> str:
    scheme, _, token = authorization.partition(" ")
    key = keys.get(hashlib.sha256(token.encode()).hexdigest()) if scheme.lower() == "bearer" else None
    if key is None:
        raise Refused(401, "api_key_required", "No valid API key.")
    if key["role"] not in ("operator", "admin") or not {"*", "sessions"} & set(key["scopes"]):
        raise Refused(403, "forbidden", "The key may not do this.")
    return key["org"]


@app.post("/sessions")
# `async` although SQLite blocks: there is one core, and handing over to a thread only costs.
async def create(new: NewSession, org: Annotated[str, Depends(authenticate)]) -> JSONResponse:
    address = normalize(new.street1, new.street2, new.city, new.state, new.zip)
    if address is None:
        raise Refused(422, "invalid", "The address cannot be used; data.errors says why.", [{"field": "street1"}])
    given = None if new.latitude is None or new.longitude is None else (new.latitude, new.longitude)
    candidates = places.geocode(address, given)
    place = candidates[0] if len(candidates) == 1 else None
    providers = broadband.providers_at(place.latitude, place.longitude, place.precision == "zip_centroid") if place else []
    geocoding = "matched" if place else "multiple" if candidates else "failed"
    internet = "matched" if providers else "failed"

    now = time.time_ns() // 1000
    token = secrets.token_urlsafe(16)
    found = {
        "geocoding": {geocoding: [asdict(candidate) for candidate in candidates]},
        "internet": {"data_set": broadband.data_set, "providers": providers},
    }
    params = new.model_dump()
    token_hash = hashlib.sha256(token.encode()).digest()
    sessions.add(org, str(uuid.uuid4()), token_hash, params, found, now, now + IDLE_US)

    at = rfc3339(now)
    body = {
        "message": "Session created successfully." if place else "Session created, with issues; meta says which.",
        "request_status": "ok" if place else "warning",
        "data": providers,
        "meta": {
            "session_token": token,
            "session_status": "open",
            "agent_status": {"geocoding": geocoding, "internet": internet, "checkout": "pending"},
            "session_params": params,
            "service_address": place.address.line() if place else None,
            "location": place.view() if place else None,
            "candidates": [] if place else [candidate.address.line() for candidate in candidates],
            "problems": [],
            "hum_data_set": broadband.data_set,
            "created_at": at,
            "updated_at": at,
            "responded_at": at,
        },
    }
    # Made by hand: FastAPI's own way to JSON walks through every value in Python first.
    return JSONResponse(body, 201)
