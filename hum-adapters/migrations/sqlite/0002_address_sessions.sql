-- Addresses that clients asked about, and who serves them. Found by the hash of a token, never by the token.
CREATE TABLE address_session (
    org_id text NOT NULL,
    id text NOT NULL,
    token_hash blob NOT NULL,
    campaign_id text,
    request text NOT NULL,
    found text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    closed_at bigint,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX address_session_token ON address_session (org_id, token_hash);
CREATE INDEX address_session_campaign ON address_session (org_id, campaign_id, id) WHERE campaign_id IS NOT NULL;
