-- Texts that are written once and sent often, with places for what differs.
CREATE TABLE template (
    org_id text NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    body text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);
-- People choose a template by its name.
CREATE UNIQUE INDEX template_name ON template (org_id, name);
