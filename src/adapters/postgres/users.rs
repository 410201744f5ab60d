//! Users, their passwords and grants. Knows no session.

use crate::adapters::postgres::Postgres;
use crate::adapters::postgres::error::conflict;
use crate::adapters::postgres::error::missing;
use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::error::violated;
use crate::adapters::postgres::text::known;
use crate::adapters::postgres::text::storable;
use crate::domain::AuthMethod;
use crate::domain::CollectionId;
use crate::domain::Grant;
use crate::domain::Permission;
use crate::domain::Principal;
use crate::domain::Role;
use crate::domain::UserId;
use crate::ports::StoreError;
use crate::ports::User;
use crate::ports::Users;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

#[async_trait]
impl Users for Postgres {
    async fn create(
        &self,
        name: &str,
        password_hash: &str,
        roles: &BTreeSet<Role>,
    ) -> Result<User, StoreError> {
        let id = UserId::new();
        let name = storable(name);
        let role_names: Vec<String> = roles.iter().map(|role| role.as_str().to_owned()).collect();
        let created_at = sqlx::query_scalar!(
            "insert into users (id, name, password_hash, roles) values ($1, $2, $3, $4) returning created_at",
            id.uuid(),
            &*name,
            password_hash,
            &role_names
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|error| match violated(&error) {
            Some("users_name_key") => conflict(format!("user `{name}`")),
            Some(_) | None => store_error(error),
        })?;
        Ok(User { id, name: name.into_owned(), roles: roles.clone(), disabled: false, created_at })
    }

    async fn list(&self) -> Result<Vec<User>, StoreError> {
        sqlx::query_as!(
            UserRow,
            "select id, name, roles, disabled, created_at from users order by lower(name), id"
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?
        .into_iter()
        .map(User::try_from)
        .collect()
    }

    async fn password_hash(&self, name: &str) -> Result<Option<(UserId, String)>, StoreError> {
        let name = storable(name);
        sqlx::query!(
            "select id, password_hash from users where lower(name) = lower($1) and not disabled",
            &*name
        )
        .fetch_optional(&self.pool)
        .await
        .map(|row| row.map(|row| (UserId::from_uuid(row.id), row.password_hash)))
        .map_err(store_error)
    }

    async fn principal(&self, id: UserId, method: AuthMethod) -> Result<Option<Principal>, StoreError> {
        let row = sqlx::query_file!("src/adapters/postgres/queries/find_principal.sql", id.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        let grants = row
            .collections
            .iter()
            .zip(&row.permissions)
            .map(|(collection, name)| Ok((CollectionId::from_uuid(*collection), permission(name)?)))
            .collect::<Result<BTreeMap<_, _>, StoreError>>()?;
        Ok(Some(Principal::new(id, row.name, roles(&row.roles)?, grants, method)))
    }

    async fn grant(
        &self,
        user: UserId,
        collection: CollectionId,
        permission: Option<Permission>,
    ) -> Result<(), StoreError> {
        match permission {
            Some(permission) => self.give(user, collection, permission).await,
            None => self.take(user, collection).await,
        }
    }

    async fn grants(&self, collection: CollectionId) -> Result<Vec<Grant>, StoreError> {
        sqlx::query!(
            "select user_id, permission from grants where collection_id = $1 order by user_id",
            collection.uuid()
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store_error)?
        .into_iter()
        .map(|row| {
            Ok(Grant {
                user_id: UserId::from_uuid(row.user_id),
                collection_id: collection,
                permission: permission(&row.permission)?,
            })
        })
        .collect()
    }
}

impl Postgres {
    async fn give(
        &self,
        user: UserId,
        collection: CollectionId,
        permission: Permission,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into grants (user_id, collection_id, permission) values ($1, $2, $3)
             on conflict on constraint grants_pkey do update set permission = excluded.permission",
            user.uuid(),
            collection.uuid(),
            permission.as_str()
        )
        .execute(&self.pool)
        .await
        .map(|_done| ())
        .map_err(|error| match violated(&error) {
            Some("grants_user_id_fkey") => missing(format!("user `{user}`")),
            Some("grants_collection_id_fkey") => missing(format!("collection `{collection}`")),
            Some(_) | None => store_error(error),
        })
    }

    async fn take(&self, user: UserId, collection: CollectionId) -> Result<(), StoreError> {
        let known = sqlx::query!(
            r#"select exists (select from users where id = $1) as "user!",
                      exists (select from collections where id = $2) as "collection!""#,
            user.uuid(),
            collection.uuid()
        )
        .fetch_one(&self.pool)
        .await
        .map_err(store_error)?;
        if !known.user {
            return Err(missing(format!("user `{user}`")));
        }
        if !known.collection {
            return Err(missing(format!("collection `{collection}`")));
        }
        sqlx::query!(
            "delete from grants where user_id = $1 and collection_id = $2",
            user.uuid(),
            collection.uuid()
        )
        .execute(&self.pool)
        .await
        .map(|_done| ())
        .map_err(store_error)
    }
}

struct UserRow {
    id: Uuid,
    name: String,
    roles: Vec<String>,
    disabled: bool,
    created_at: OffsetDateTime,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId::from_uuid(row.id),
            name: row.name,
            roles: roles(&row.roles)?,
            disabled: row.disabled,
            created_at: row.created_at,
        })
    }
}

fn roles(names: &[String]) -> Result<BTreeSet<Role>, StoreError> {
    names.iter().map(|name| known(name)).collect()
}

fn permission(name: &str) -> Result<Permission, StoreError> {
    match name {
        "read" => Ok(Permission::Read),
        "write" => Ok(Permission::Write),
        other => Err(crate::adapters::postgres::error::corrupt(format!("no permission `{other}`"))),
    }
}
