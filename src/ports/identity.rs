//! Users, sessions and bearer keys. Knows no adapter.

use crate::domain::ApiKeyId;
use crate::domain::AuthMethod;
use crate::domain::CollectionId;
use crate::domain::Grant;
use crate::domain::Permission;
use crate::domain::Principal;
use crate::domain::Role;
use crate::domain::UserId;
use crate::ports::StoreError;
use async_trait::async_trait;
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// A user as an administrator sees them.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The sign-in name; unique.
    pub name: String,
    /// What they may do.
    pub roles: BTreeSet<Role>,
    /// Cannot sign in any more.
    pub disabled: bool,
    /// When they were added.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub created_at: OffsetDateTime,
}

/// A bearer key as its owner sees it; the key itself is shown once.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose.
    pub user_id: UserId,
    /// What it is for.
    pub name: String,
    /// Its first characters, to tell keys apart.
    pub prefix: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub created_at: OffsetDateTime,
    /// No longer valid.
    pub revoked: bool,
}

/// Users, their passwords and grants.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds one. `Conflict` when the name is taken.
    async fn create(
        &self,
        name: &str,
        password_hash: &str,
        roles: &BTreeSet<Role>,
    ) -> Result<User, StoreError>;
    /// All, by name.
    async fn list(&self) -> Result<Vec<User>, StoreError>;
    /// Id and password hash of one who may sign in.
    async fn password_hash(&self, name: &str) -> Result<Option<(UserId, String)>, StoreError>;
    /// Who they are now, with roles and grants; none when unknown or disabled.
    async fn principal(&self, id: UserId, method: AuthMethod) -> Result<Option<Principal>, StoreError>;
    /// Gives, changes or (with none) takes a grant. `Missing` when user or collection is.
    async fn grant(
        &self,
        user: UserId,
        collection: CollectionId,
        permission: Option<Permission>,
    ) -> Result<(), StoreError>;
    /// Grants in a collection.
    async fn grants(&self, collection: CollectionId) -> Result<Vec<Grant>, StoreError>;
}

/// Sessions and bearer keys, by the hash of their secret.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// Stores a session with the secret that its forms must carry.
    async fn open_session(
        &self,
        secret_hash: &[u8; 32],
        csrf: &str,
        user: UserId,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// User and form secret of a session that has not expired.
    async fn session(&self, secret_hash: &[u8; 32]) -> Result<Option<(UserId, String)>, StoreError>;
    /// Ends it.
    async fn close_session(&self, secret_hash: &[u8; 32]) -> Result<(), StoreError>;
    /// Stores a key; `Conflict` when this secret is already a key.
    async fn create_key(&self, secret_hash: &[u8; 32], key: &ApiKey) -> Result<(), StoreError>;
    /// Which key it is and whose; none when unknown or revoked.
    async fn key_owner(&self, secret_hash: &[u8; 32]) -> Result<Option<(ApiKeyId, UserId)>, StoreError>;
    /// Keys of one user; with `revoke`, that one is first revoked.
    async fn keys(&self, user: UserId, revoke: Option<ApiKeyId>) -> Result<Vec<ApiKey>, StoreError>;
}
