-- Sums that many commits add to without reading them, such as what an organization used on a day. No versions: adding
-- never conflicts.
CREATE TABLE counter (
    org_id text COLLATE "C" NOT NULL,
    metric text COLLATE "C" NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (org_id, metric)
) WITH (fillfactor = 50);
