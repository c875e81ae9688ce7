//! AI turns.

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    id::{ConversationId, TurnId},
    record::{Field as _, Value},
    sms::{Turn, TurnReads},
    store::StoreError,
};

use super::{
    query::{OrgStore, sql},
    table::columns,
};

#[async_trait]
impl TurnReads for OrgStore {
    async fn turn(&self, id: TurnId) -> Result<Option<Turn>, StoreError> {
        self.one(
            sql!(
                "SELECT {} FROM turn WHERE org_id = $1 AND id = $2",
                columns::<Turn>()
            ),
            [Value::text(id)],
        )
        .await
    }

    async fn count_turns(
        &self,
        conversation: ConversationId,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        let sql = sql!(
            "SELECT count(*) FROM turn WHERE org_id = $1 AND conversation_id = $2 AND started_at >= $3 \
             AND state <> 'discarded'"
        );
        self.count(sql, [Value::text(conversation), since.write()])
            .await
    }

    async fn running_turn(&self, conversation: ConversationId) -> Result<Option<Turn>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM turn WHERE org_id = $1 AND conversation_id = $2 AND state = 'running' ORDER BY id LIMIT 1",
            columns::<Turn>()
        );
        self.one(sql, [Value::text(conversation)]).await
    }
}
