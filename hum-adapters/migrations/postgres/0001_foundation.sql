-- Everything of the first release.
--
-- Every primary key starts with the organization, so that rows of one organization lie together and the same schema can
-- be sharded. Ids are text that sorts by time. Times are microseconds since 1970, UTC. JSON is only carried: whatever is
-- filtered or sorted has a column. `version` is what a change is guarded by.
--
-- Texts compare byte by byte (COLLATE "C"): the same order as in SQLite, and the fastest.
-- Conversations and jobs are updated all the time: room is left in their pages, so that an update which changes no
-- indexed column stays in its page.

CREATE TABLE organization (
    org_id text COLLATE "C" NOT NULL,
    slug text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    keyword_replies text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (org_id)
);
CREATE UNIQUE INDEX organization_slug ON organization (slug);

-- An account at the carrier belongs to one organization, or requests of the carrier could not be told apart.
CREATE TABLE carrier_account (
    org_id text COLLATE "C" NOT NULL,
    account_sid text COLLATE "C" NOT NULL,
    auth_token bytea NOT NULL,
    secondary_auth_token bytea,
    updated_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (org_id)
);
CREATE UNIQUE INDEX carrier_account_sid ON carrier_account (account_sid);

CREATE TABLE api_key (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    scopes text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    last_four text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint,
    revoked_at bigint,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);
-- Keys are looked up before the organization is known.
CREATE UNIQUE INDEX api_key_hash ON api_key (hash);

CREATE TABLE flow (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    latest bigint NOT NULL,
    definition text COLLATE "C" NOT NULL,
    debounce_ms bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE flow_version (
    org_id text COLLATE "C" NOT NULL,
    flow_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    definition text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, flow_id, number)
);

CREATE TABLE number (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    e164 text COLLATE "C" NOT NULL,
    carrier_account text COLLATE "C" NOT NULL,
    friendly_name text COLLATE "C" NOT NULL,
    flow_id text COLLATE "C",
    sms_flow_id text COLLATE "C",
    sms_enabled boolean NOT NULL,
    created_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);
-- Across organizations: nobody can take over another's number.
CREATE UNIQUE INDEX number_e164 ON number (carrier_account, e164);

CREATE TABLE conversation (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    number_id text COLLATE "C" NOT NULL,
    number_e164 text COLLATE "C" NOT NULL,
    contact text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    closed_at bigint,
    snoozed_until bigint,
    assignee text COLLATE "C",
    ai_paused boolean NOT NULL,
    attention_reason text COLLATE "C",
    attention_note text COLLATE "C",
    unread_count bigint NOT NULL,
    outcome text COLLATE "C",
    last_seq bigint NOT NULL,
    last_inbound_seq bigint NOT NULL,
    answered_seq bigint NOT NULL,
    event_seq bigint NOT NULL,
    last_message_at bigint NOT NULL,
    created_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX conversation_pair ON conversation (org_id, number_id, contact);
-- The inbox: last message first. Partial, although it holds every row: only a query that says the same may use it. A plan made
-- while the table is empty would otherwise look for one contact in here, through half of the organization's conversations.
CREATE INDEX conversation_last_message ON conversation (org_id, last_message_at, id) WHERE last_message_at >= 0;

CREATE TABLE message (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    direction text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    media text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    carrier_sid text COLLATE "C",
    carrier_status text COLLATE "C",
    carrier_terminals text COLLATE "C" NOT NULL,
    error_codes text COLLATE "C" NOT NULL,
    segments bigint,
    detail text COLLATE "C",
    turn_id text COLLATE "C",
    resend_of text COLLATE "C",
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX message_seq ON message (org_id, conversation_id, seq);
-- A text that the carrier delivers twice is stored once.
CREATE UNIQUE INDEX message_sid ON message (org_id, carrier_sid) WHERE carrier_sid IS NOT NULL;
-- Few rows at any time, and the ones that people must look at.
CREATE INDEX message_in_doubt ON message (org_id, id) WHERE status = 'in_doubt';

CREATE TABLE attempt (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    started_at bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    sid text COLLATE "C",
    confirmed_by text COLLATE "C",
    reason text COLLATE "C",
    in_doubt_since bigint,
    presumed_absent boolean,
    looked bigint,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
) WITH (fillfactor = 70);
-- A callback has nothing but the token.
CREATE UNIQUE INDEX attempt_token ON attempt (token);
CREATE INDEX attempt_message ON attempt (org_id, message_id, started_at);
-- Those that may match a text on the carrier's list.
CREATE INDEX attempt_open ON attempt (org_id, started_at) WHERE state IN ('dispatching', 'in_doubt');

CREATE TABLE consent (
    org_id text COLLATE "C" NOT NULL,
    contact text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    since bigint,
    source text COLLATE "C",
    version bigint NOT NULL,
    PRIMARY KEY (org_id, contact)
);
CREATE INDEX consent_opted_out ON consent (org_id, contact) WHERE state = 'opted_out';

CREATE TABLE turn (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    flow_id text COLLATE "C" NOT NULL,
    flow_version bigint NOT NULL,
    after_seq bigint NOT NULL,
    upto_seq bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    ended_at bigint,
    reply_id text COLLATE "C",
    fallback boolean NOT NULL,
    reason text COLLATE "C",
    tool_calls text COLLATE "C" NOT NULL,
    started_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX turn_conversation ON turn (org_id, conversation_id, started_at);
CREATE INDEX turn_running ON turn (org_id, conversation_id) WHERE state = 'running';

CREATE TABLE webhook (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    events text COLLATE "C" NOT NULL,
    headers bytea NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_until bigint,
    enabled boolean NOT NULL,
    disabled_reason text COLLATE "C",
    disabled_at bigint,
    delivered_seq bigint NOT NULL,
    failing_since bigint,
    failing_count bigint,
    created_at bigint NOT NULL,
    deleted_at bigint,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE delivery (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_seq bigint,
    event_type text COLLATE "C" NOT NULL,
    body text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    attempts text COLLATE "C" NOT NULL,
    tries bigint NOT NULL,
    created_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX delivery_event ON delivery (org_id, webhook_id, event_seq) WHERE event_seq IS NOT NULL;
CREATE INDEX delivery_webhook ON delivery (org_id, webhook_id, id);
CREATE INDEX delivery_held ON delivery (org_id, webhook_id, id) WHERE state = 'held';
CREATE INDEX delivery_pending ON delivery (org_id, id) WHERE state = 'pending';

CREATE TABLE event (
    org_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    conversation_id text COLLATE "C",
    conversation_seq bigint,
    data text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, seq)
);

-- The last number of each organization's feed.
CREATE TABLE event_counter (
    org_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (org_id)
) WITH (fillfactor = 10);

CREATE TABLE stored_reply (
    org_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    status bigint NOT NULL,
    body bytea NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (org_id, key)
);
CREATE INDEX stored_reply_expiry ON stored_reply (expires_at);

CREATE TABLE audit (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, id)
);

-- `attempt` counts the runs that began, `fence` the claims; both only rise, except that a claim given back unused counts
-- as no run.
CREATE TABLE job (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'failed')),
    run_at bigint NOT NULL,
    attempt bigint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    lease_until bigint,
    last_error text COLLATE "C",
    PRIMARY KEY (org_id, id),
    CHECK ((state = 'running') = (lease_until IS NOT NULL))
) WITH (fillfactor = 70);
-- At most one of a kind and key waits, and at most one runs.
CREATE UNIQUE INDEX job_queued ON job (org_id, kind, key) WHERE state = 'queued';
CREATE UNIQUE INDEX job_running ON job (org_id, kind, key) WHERE state = 'running';
CREATE INDEX job_due ON job (run_at, id, kind) WHERE state = 'queued';
