//! Sessions and bearer keys, by the hash of their secret. Knows no password.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::error::violated;
use crate::adapters::postgres::text::storable;
use crate::domain::ApiKeyId;
use crate::domain::UserId;
use crate::ports::ApiKey;
use crate::ports::Credentials;
use crate::ports::StoreError;
use async_trait::async_trait;
use time::OffsetDateTime;

#[async_trait]
impl Credentials for Postgres {
    async fn open_session(
        &self,
        secret_hash: &[u8; 32],
        csrf: &str,
        user: UserId,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sqlx::query_file!(
            "src/adapters/postgres/queries/open_session.sql",
            secret_hash.as_slice(),
            csrf,
            user.uuid(),
            expires_at
        )
        .execute(&self.pool)
        .await
        .map(|_done| ())
        .map_err(|error| match violated(&error) {
            Some("sessions_pkey") => conflict("this session"),
            Some("sessions_user_id_fkey") => missing(format!("user `{user}`")),
            Some(_) | None => store_error(error),
        })
    }

    async fn session(&self, secret_hash: &[u8; 32]) -> Result<Option<(UserId, String)>, StoreError> {
        sqlx::query!(
            "select user_id, csrf from sessions where secret_hash = $1 and expires_at > now()",
            secret_hash.as_slice()
        )
        .fetch_optional(&self.pool)
        .await
        .map(|row| row.map(|row| (UserId::from_uuid(row.user_id), row.csrf)))
        .map_err(store_error)
    }

    async fn close_session(&self, secret_hash: &[u8; 32]) -> Result<(), StoreError> {
        sqlx::query!("delete from sessions where secret_hash = $1", secret_hash.as_slice())
            .execute(&self.pool)
            .await
            .map(|_done| ())
            .map_err(store_error)
    }

    async fn create_key(&self, secret_hash: &[u8; 32], key: &ApiKey) -> Result<(), StoreError> {
        let name = storable(&key.name);
        sqlx::query!(
            "insert into api_keys (id, secret_hash, user_id, name, prefix, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            key.id.uuid(),
            secret_hash.as_slice(),
            key.user_id.uuid(),
            &*name,
            key.prefix,
            key.created_at
        )
        .execute(&self.pool)
        .await
        .map(|_done| ())
        .map_err(|error| match violated(&error) {
            Some("api_keys_pkey" | "api_keys_secret_hash_key") => conflict("this key"),
            Some("api_keys_user_id_fkey") => missing(format!("user `{}`", key.user_id)),
            Some(_) | None => store_error(error),
        })
    }

    async fn key_owner(&self, secret_hash: &[u8; 32]) -> Result<Option<(ApiKeyId, UserId)>, StoreError> {
        sqlx::query!(
            "select id, user_id from api_keys where secret_hash = $1 and revoked_at is null",
            secret_hash.as_slice()
        )
        .fetch_optional(&self.pool)
        .await
        .map(|row| row.map(|row| (ApiKeyId::from_uuid(row.id), UserId::from_uuid(row.user_id))))
        .map_err(store_error)
    }

    async fn keys(&self, user: UserId, revoke: Option<ApiKeyId>) -> Result<Vec<ApiKey>, StoreError> {
        if let Some(key) = revoke {
            self.revoke(user, key).await?;
        }
        let rows = sqlx::query!(
            r#"select id, name, prefix, created_at, revoked_at is not null as "revoked!"
               from api_keys where user_id = $1 order by id"#,
            user.uuid()
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(rows
            .into_iter()
            .map(|row| ApiKey {
                id: ApiKeyId::from_uuid(row.id),
                user_id: user,
                name: row.name,
                prefix: row.prefix,
                created_at: row.created_at,
                revoked: row.revoked,
            })
            .collect())
    }
}

impl Postgres {
    async fn revoke(&self, user: UserId, key: ApiKeyId) -> Result<(), StoreError> {
        let revoked = sqlx::query!(
            "update api_keys set revoked_at = coalesce(revoked_at, now()) where id = $1 and user_id = $2",
            key.uuid(),
            user.uuid()
        )
        .execute(&self.pool)
        .await
        .map_err(store_error)?;
        if revoked.rows_affected() == 0 { Err(missing(format!("key `{key}`"))) } else { Ok(()) }
    }
}
