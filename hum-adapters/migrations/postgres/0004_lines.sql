-- Due jobs stand in lines, by kind, organization and queue, so that taking one costs the same however many wait: workers go
-- from line to line by one step in the index. Jobs whose time is yet to come are found by their time alone.
ALTER TABLE job ADD COLUMN queue text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN ready boolean NOT NULL DEFAULT false;
DROP INDEX job_due;
CREATE INDEX job_line ON job (kind, org_id, queue, run_at, id) WHERE state = 'queued' AND ready;
CREATE INDEX job_scheduled ON job (run_at) WHERE state = 'queued' AND NOT ready;
CREATE INDEX job_lease ON job (lease_until) WHERE state = 'running';
-- What is done leaves dead rows at the head of its line. They are cleared before there are many.
ALTER TABLE job SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
