// What a careful team writes first: express, zod, h3-js, one transaction per session. Answers like hum's POST /sessions.
// Keys, ZIP codes, providers and plans are in memory; the session is in the database before the answer. See bench/README.md.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import express from "express";
import { line, normalize } from "./address.js";
import { loadBroadband, providersAt } from "./broadband.js";
import { geocode, loadPlaces } from "./places.js";
import { NewSession } from "./request.js";
import { openSessions } from "./sessions.js";

const { PORT, DATABASE, API_KEYS, ZIPS, AVAILABILITY, PLANS, VINTAGE } = process.env;
const IDLE_MS = 30 * 60_000;

const sha256 = (text) => createHash("sha256").update(text).digest();
/** SHA-256 of each key in hexadecimal → `{org, role, scopes}`. */
const keys = new Map(Object.entries(JSON.parse(readFileSync(API_KEYS, "utf8"))));
const places = loadPlaces(ZIPS);
const broadband = loadBroadband(AVAILABILITY, PLANS, VINTAGE);
const sessions = openSessions(DATABASE);

const refusal = (message, code, errors) => ({
  message,
  request_status: "error",
  data: { code, ...(errors && { errors }) },
  meta: { responded_at: new Date().toISOString() },
});

function authenticate(request, response, next) {
  const [, token] = /^bearer +(\S+)$/i.exec(request.get("authorization") ?? "") ?? [];
  const key = token && keys.get(sha256(token).toString("hex"));
  if (!key) return response.status(401).json(refusal("No valid API key.", "api_key_required"));
  const allowed = ["operator", "admin"].includes(key.role) && key.scopes.some((scope) => scope === "*" || scope === "sessions");
  if (!allowed) return response.status(403).json(refusal("The key may not do this.", "forbidden"));
  request.org = key.org;
  next();
}

function invalid(response, errors) {
  response.status(422).json(refusal("The address cannot be used; data.errors says why.", "invalid", errors));
}

function create(request, response) {
  const parsed = NewSession.safeParse(request.body);
  if (!parsed.success) {
    return invalid(response, parsed.error.issues.map(({ path, message }) => ({ field: path.join("/"), detail: message })));
  }
  const params = parsed.data;
  const address = normalize(params);
  if (!address) return invalid(response, [{ field: "street1", detail: "must begin with a house number" }]);
  const given = params.latitude == null ? undefined : [params.latitude, params.longitude];
  const candidates = geocode(places, address, given);
  const place = candidates.length === 1 ? candidates[0] : undefined;
  const providers = place ? providersAt(broadband, place) : [];
  const geocoding = place ? "matched" : candidates.length > 1 ? "multiple" : "failed";
  const internet = providers.length > 0 ? "matched" : "failed";

  const now = Date.now();
  const token = randomBytes(16).toString("base64url");
  const found = { geocoding: { [geocoding]: candidates }, internet: { data_set: broadband.dataSet, providers } };
  const session = { org: request.org, id: randomUUID(), tokenHash: sha256(token), request: params, found, now };
  sessions.add({ ...session, expiresAt: now + IDLE_MS });

  const time = new Date(now).toISOString();
  response.status(201).json({
    message: place ? "Session created successfully." : "Session created, with issues; meta says which.",
    request_status: place ? "ok" : "warning",
    data: providers,
    meta: {
      session_token: token,
      session_status: "open",
      agent_status: { geocoding, internet, checkout: "pending" },
      session_params: {
        street1: params.street1,
        street2: params.street2 ?? null,
        city: params.city ?? null,
        state: params.state ?? null,
        zip: params.zip ?? null,
        latitude: params.latitude ?? null,
        longitude: params.longitude ?? null,
        campaign_id: params.campaign_id ?? null,
      },
      service_address: place ? line(place.address) : null,
      location: place
        ? {
            latitude: place.latitude,
            longitude: place.longitude,
            match_type: place.match_type,
            precision: place.precision,
            block_geoid: null,
            source: place.source,
          }
        : null,
      candidates: place ? [] : candidates.map(({ address }) => line(address)),
      problems: [],
      hum_data_set: broadband.dataSet,
      created_at: time,
      updated_at: time,
      responded_at: time,
    },
  });
}

const app = express();
app.disable("x-powered-by");
app.set("etag", false);
app.post("/sessions", authenticate, express.json({ limit: "1mb" }), create);
app.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
