// Sessions in SQLite: one durable insert for each, its token as a hash.
import Database from "better-sqlite3";

export function openSessions(file) {
  const db = new Database(file);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(`create table if not exists address_session (
    org_id text not null, id text not null, token_hash blob not null, campaign_id text, request text not null,
    found text not null, created_at integer not null, updated_at integer not null, expires_at integer not null,
    closed_at integer, primary key (org_id, id));
    create unique index if not exists address_session_token on address_session (org_id, token_hash);
    create index if not exists address_session_campaign on address_session (org_id, campaign_id, id)
      where campaign_id is not null;`);
  const insert = db.prepare("insert into address_session values (?, ?, ?, ?, ?, ?, ?, ?, ?, null)");
  return {
    add({ org, id, tokenHash, request, found, now, expiresAt }) {
      const campaign = request.campaign_id ?? null;
      insert.run(org, id, tokenHash, campaign, JSON.stringify(request), JSON.stringify(found), now, now, expiresAt);
    },
  };
}
