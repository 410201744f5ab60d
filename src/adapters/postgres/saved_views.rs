//! Searches of the log that an auditor keeps. Knows no search.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::store_error;
use crate::domain::UserId;
use crate::ports::SavedView;
use crate::ports::SavedViews;
use crate::ports::StoreError;
use async_trait::async_trait;

/// Views of one person.
const MAX: i64 = 100;

#[async_trait]
impl SavedViews for Postgres {
    async fn list(&self, owner: UserId) -> Result<Vec<SavedView>, StoreError> {
        sqlx::query_as!(
            SavedView,
            "select name, query from saved_views where owner = $1 order by name limit $2",
            owner.uuid(),
            MAX
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)
    }

    async fn keep(&self, owner: UserId, view: &SavedView) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into saved_views (owner, name, query) values ($1, $2, $3)
             on conflict on constraint saved_views_pkey do update set query = excluded.query",
            owner.uuid(),
            view.name,
            view.query
        )
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(store_error)
    }

    async fn remove(&self, owner: UserId, name: &str) -> Result<(), StoreError> {
        sqlx::query!("delete from saved_views where owner = $1 and name = $2", owner.uuid(), name)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(store_error)
    }
}
