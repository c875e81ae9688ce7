-- An index for every list and every filter, in the list's order, so that a page costs the same however much there is.
--
-- Where two conditions meet that no index has both of, a page looks at a bounded part of the list.

-- A contact is found without its number too; the pair is as unique this way round.
DROP INDEX conversation_pair;
CREATE UNIQUE INDEX conversation_pair ON conversation (org_id, contact, number_id);
-- The inbox, last message first. All of it is these two, merged: a text moves one entry, as it did in the single index that
-- they take the place of.
DROP INDEX conversation_last_message;
CREATE INDEX conversation_open ON conversation (org_id, last_message_at, id) WHERE status = 'open';
CREATE INDEX conversation_closed ON conversation (org_id, last_message_at, id) WHERE status = 'closed';
-- What somebody must still read, and what is somebody's.
CREATE INDEX conversation_unread ON conversation (org_id, last_message_at, id) WHERE unread_count > 0;
CREATE INDEX conversation_assigned ON conversation (org_id, assignee, status, last_message_at, id) WHERE assignee > '';

CREATE INDEX message_status ON message (org_id, status, id);
-- What an agent said lately is counted before it says more.
CREATE INDEX message_ai ON message (org_id, conversation_id, created_at) WHERE source = 'ai';

-- What was deleted stays, and a list does not go through it.
CREATE INDEX flow_living ON flow (org_id, id) WHERE deleted_at IS NULL;
CREATE INDEX webhook_living ON webhook (org_id, id) WHERE deleted_at IS NULL;

-- The operator's list of organizations.
CREATE INDEX organization_age ON organization (created_at, org_id);

-- Counted by operators. Jobs fail seldom, and stay.
CREATE INDEX job_failed ON job (org_id, id) WHERE state = 'failed';
