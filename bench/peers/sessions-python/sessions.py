"""Sessions in SQLite: one durable insert for each, its token as a hash."""

import json
import sqlite3

SCHEMA = """
create table if not exists address_session (
    org_id text not null, id text not null, token_hash blob not null, campaign_id text, request text not null,
    found text not null, created_at integer not null, updated_at integer not null, expires_at integer not null,
    closed_at integer, primary key (org_id, id));
create unique index if not exists address_session_token on address_session (org_id, token_hash);
create index if not exists address_session_campaign on address_session (org_id, campaign_id, id) where campaign_id is not null;
"""


class Sessions:
    def __init__(self, file: str):
        # Every statement is a transaction of its own.
        self.db = sqlite3.connect(file, isolation_level=None)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = full")
        self.db.executescript(SCHEMA)

    def add(self, org: str, id: str, token_hash: bytes, request: dict, found: dict, now: int, expires_at: int) -> None:
        self.db.execute(
            "insert into address_session values (?, ?, ?, ?, ?, ?, ?, ?, ?, null)",
            (org, id, token_hash, request["campaign_id"], json.dumps(request), json.dumps(found), now, now, expires_at),
        )
