-- Due jobs stand in lines, by kind, organization and queue, so that taking one costs the same however many wait: workers go
-- from line to line by one step in the index. Jobs whose time is yet to come are found by their time alone.
ALTER TABLE job ADD COLUMN queue text NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN ready boolean NOT NULL DEFAULT false;
DROP INDEX job_due;
CREATE INDEX job_line ON job (kind, org_id, queue, run_at, id) WHERE state = 'queued' AND ready;
CREATE INDEX job_scheduled ON job (run_at) WHERE state = 'queued' AND NOT ready;
CREATE INDEX job_lease ON job (lease_until) WHERE state = 'running';
