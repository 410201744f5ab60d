//! Answers as they were given. Knows no audit log.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::error::violated;
use crate::adapters::postgres::text::json;
use crate::domain::Answer;
use crate::domain::AnswerId;
use crate::domain::Passage;
use crate::domain::UserId;
use crate::ports::Answers;
use crate::ports::StoreError;
use async_trait::async_trait;
use sqlx::types::Json;
use std::collections::BTreeSet;
use uuid::Uuid;

#[async_trait]
impl Answers for Postgres {
    async fn store(&self, answer: &Answer, asker: UserId) -> Result<(), StoreError> {
        let shown = |id: fn(&Passage) -> Uuid| -> Vec<Uuid> {
            let ids: BTreeSet<Uuid> = answer.passages.iter().map(|scored| id(&scored.passage)).collect();
            ids.into_iter().collect()
        };
        sqlx::query!(
            "insert into answers (id, asker, collections, documents, body)
             select $1, $2, $3, $4, $5::text::json
             where $4 <@ array(select documents.id from documents where documents.id = any($4))",
            answer.id.uuid(),
            asker.uuid(),
            &shown(|passage| passage.collection_id.uuid()),
            &shown(|passage| passage.document_id.uuid()),
            json(answer)?
        )
        .execute(&self.pool)
        .await
        .map(|_done| ())
        .map_err(|error| match violated(&error) {
            Some("answers_pkey") => conflict(format!("answer `{}`", answer.id)),
            Some("answers_asker_fkey") => missing(format!("user `{asker}`")),
            Some(_) | None => store_error(error),
        })
    }

    async fn find(&self, id: AnswerId, asker: UserId) -> Result<Option<Answer>, StoreError> {
        sqlx::query_scalar!(
            r#"select body as "body: Json<Answer>" from answers where id = $1 and asker = $2"#,
            id.uuid(),
            asker.uuid()
        )
        .fetch_optional(&self.pool)
        .await
        .map(|body| body.map(|body| body.0))
        .map_err(store_error)
    }
}
