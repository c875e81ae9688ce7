-- Addresses that clients asked about, and who serves them. Found by the hash of a token, never by the token.
CREATE TABLE address_session (
    org_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    token_hash bytea NOT NULL,
    campaign_id text COLLATE "C",
    request text COLLATE "C" NOT NULL,
    found text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    closed_at bigint,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX address_session_token ON address_session (org_id, token_hash);
CREATE INDEX address_session_campaign ON address_session (org_id, campaign_id, id) WHERE campaign_id IS NOT NULL;
