// What a careful team writes first: express, Twilio's own signature middleware, one transaction per webhook.
// A repeated MessageSid changes nothing; 200 is answered after the commit. See bench/README.md.
import { randomUUID } from "node:crypto";
import express from "express";
import twilio from "twilio";

const { PORT, DATABASE, PUBLIC_URL, TWILIO_AUTH_TOKEN, DEBOUNCE_MS = "3600000" } = process.env;
const debounceMs = Number(DEBOUNCE_MS);

const UPSERT_CONVERSATION = `insert into conversation (id, number, contact, unread, last_at) values ($1, $2, $3, 1, $4)
  on conflict (number, contact) do update set unread = conversation.unread + 1, last_at = excluded.last_at returning id`;
const INSERT_MESSAGE = `insert into message (id, conversation_id, sid, direction, body, created_at)
  values ($1, $2, $3, 'inbound', $4, $5) on conflict (sid) do nothing`;
const UPSERT_TURN = `insert into ai_turn (conversation_id, run_at) values ($1, $2)
  on conflict (conversation_id) do update set run_at = excluded.run_at`;
const INSERT_EVENT = `insert into event (id, kind, payload, created_at) values ($1, 'sms.received', $2, $3)`;
const INSERT_DELIVERY = `insert into delivery (id, event_id, state, run_at) values ($1, $2, 'pending', $3)`;

const receive = DATABASE.startsWith("postgres") ? await onPostgres(DATABASE) : await onSqlite(DATABASE);

const app = express();
app.disable("x-powered-by");
app.set("etag", false);
app.post(
  "/carrier/twilio/sms",
  express.urlencoded({ extended: false, limit: "64kb" }),
  twilio.webhook({ url: `${PUBLIC_URL}/carrier/twilio/sms` }, TWILIO_AUTH_TOKEN),
  async (request, response) => {
    const { MessageSid, From, To, Body } = request.body;
    if (!MessageSid || !From || !To) return response.status(400).end();
    await receive({ sid: MessageSid, from: From, to: To, body: Body ?? "" });
    response.type("text/xml").send("<Response/>");
  },
);
app.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));

function schema(time, id) {
  return [
    `create table if not exists conversation (
       id ${id} primary key, number text not null, contact text not null, unread bigint not null,
       last_at ${time} not null, unique (number, contact))`,
    `create table if not exists message (
       id ${id} primary key, conversation_id ${id} not null references conversation (id), sid text not null unique,
       direction text not null, body text not null, created_at ${time} not null)`,
    `create index if not exists message_by_conversation on message (conversation_id, created_at)`,
    `create table if not exists ai_turn (conversation_id ${id} primary key, run_at ${time} not null)`,
    `create index if not exists ai_turn_due on ai_turn (run_at)`,
    `create table if not exists event (id ${id} primary key, kind text not null, payload text not null, created_at ${time} not null)`,
    `create table if not exists delivery (
       id ${id} primary key, event_id ${id} not null references event (id), state text not null, run_at ${time} not null)`,
    `create index if not exists delivery_due on delivery (run_at) where state = 'pending'`,
  ];
}

async function onSqlite(file) {
  const { default: Database } = await import("better-sqlite3");
  const db = new Database(file);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  for (const statement of schema("integer", "text")) db.exec(statement);
  const prepare = (sql) => db.prepare(sql.replaceAll(/\$\d/g, "?"));
  const upsertConversation = prepare(UPSERT_CONVERSATION);
  const insertMessage = prepare(INSERT_MESSAGE);
  const upsertTurn = prepare(UPSERT_TURN);
  const insertEvent = prepare(INSERT_EVENT);
  const insertDelivery = prepare(INSERT_DELIVERY);
  const Seen = class extends Error {};
  const transaction = db.transaction(({ sid, from, to, body }) => {
    const now = Date.now();
    const { id } = upsertConversation.get(randomUUID(), to, from, now);
    const message = randomUUID();
    if (insertMessage.run(message, id, sid, body, now).changes === 0) throw new Seen();
    upsertTurn.run(id, now + debounceMs);
    const event = randomUUID();
    insertEvent.run(event, JSON.stringify({ conversation: id, message, from, to, body }), now);
    insertDelivery.run(randomUUID(), event, now);
  });
  return (sms) => {
    try {
      transaction.immediate(sms);
    } catch (error) {
      if (!(error instanceof Seen)) throw error;
    }
  };
}

async function onPostgres(url) {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ connectionString: url, max: 16 });
  for (const statement of schema("timestamptz", "uuid")) await pool.query(statement);
  return async ({ sid, from, to, body }) => {
    const client = await pool.connect();
    try {
      const now = new Date();
      await client.query("begin");
      const values = [randomUUID(), to, from, now];
      const { rows } = await client.query({ name: "upsert_conversation", text: UPSERT_CONVERSATION, values });
      const { id } = rows[0];
      const message = randomUUID();
      const inserted = await client.query({ name: "insert_message", text: INSERT_MESSAGE, values: [message, id, sid, body, now] });
      if (inserted.rowCount === 0) {
        await client.query("rollback");
        return;
      }
      await client.query({ name: "upsert_turn", text: UPSERT_TURN, values: [id, new Date(now.getTime() + debounceMs)] });
      const event = randomUUID();
      const payload = JSON.stringify({ conversation: id, message, from, to, body });
      await client.query({ name: "insert_event", text: INSERT_EVENT, values: [event, payload, now] });
      await client.query({ name: "insert_delivery", text: INSERT_DELIVERY, values: [randomUUID(), event, now] });
      await client.query("commit");
    } catch (error) {
      await client.query("rollback").catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  };
}
