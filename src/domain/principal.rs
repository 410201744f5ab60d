//! Who asks, what they may do, and the filter that every read takes. Knows no session, key or table.

use crate::domain::ApiKeyId;
use crate::domain::CollectionId;
use crate::domain::SessionId;
use crate::domain::UserId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What a user may do anywhere; which documents is said by grants.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads and asks in granted collections.
    Viewer,
    /// Also uploads and deletes in collections granted for writing.
    Contributor,
    /// Manages users, collections and grants.
    Admin,
    /// Reads the audit log.
    Auditor,
}

impl Role {
    /// The name in SQL, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Contributor => "contributor",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "contributor" => Ok(Self::Contributor),
            "admin" => Ok(Self::Admin),
            "auditor" => Ok(Self::Auditor),
            other => Err(format!("no role `{other}`: viewer, contributor, admin or auditor")),
        }
    }
}

/// What a grant allows in one collection.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Search, ask, read pages.
    Read,
    /// Also upload and delete.
    Write,
}

impl Permission {
    /// The name in SQL, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// One user's permission in one collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Grant {
    /// To whom.
    pub user_id: UserId,
    /// Where.
    pub collection_id: CollectionId,
    /// What.
    pub permission: Permission,
}

/// How a principal proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// A cookie session after a password.
    Session(SessionId),
    /// A bearer key.
    ApiKey(ApiKeyId),
}

impl AuthMethod {
    /// The name in the audit record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::ApiKey(_) => "api_key",
        }
    }

    /// The id of the session or key, as the audit record has it.
    pub fn credential(self) -> String {
        match self {
            Self::Session(id) => id.to_string(),
            Self::ApiKey(id) => id.to_string(),
        }
    }
}

/// An authenticated caller with the grants that held when the request began.
#[derive(Clone, Debug)]
pub struct Principal {
    user: UserId,
    name: String,
    roles: BTreeSet<Role>,
    grants: BTreeMap<CollectionId, Permission>,
    method: AuthMethod,
    address: Option<IpAddr>,
}

impl Principal {
    /// Joins what the identity store said of an authenticated user.
    pub fn new(
        user: UserId,
        name: String,
        roles: BTreeSet<Role>,
        grants: BTreeMap<CollectionId, Permission>,
        method: AuthMethod,
    ) -> Self {
        Self { user, name, roles, grants, method, address: None }
    }

    /// The same, asking from there.
    #[must_use]
    pub const fn at(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Who.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The sign-in name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All roles held.
    pub const fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    /// How they proved it.
    pub const fn method(&self) -> AuthMethod {
        self.method
    }

    /// The peer of their connection: a proxy's, where one is in between.
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Says whether the role is held.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Says whether the principal may upload to and delete from the collection.
    pub fn may_write(&self, collection: CollectionId) -> bool {
        self.has(Role::Contributor) && self.grants.get(&collection) == Some(&Permission::Write)
    }

    /// Says which collections this principal may read: the source of every filter but an auditor's.
    pub fn acl_filter(&self) -> AclFilter {
        AclFilter { collections: self.grants.keys().copied().collect() }
    }

    /// For an auditor who opens what a record cites: the collection that the record names, for that one page. Empty for anybody
    /// else.
    pub fn filter_for_evidence(&self, collection: CollectionId) -> AclFilter {
        let allowed = self.has(Role::Auditor).then_some(collection);
        AclFilter { collections: allowed.into_iter().collect() }
    }
}

/// Which collections a read may touch. Every search and every read of a document takes one, and only a
/// [`Principal`] makes one; an empty filter reads nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclFilter {
    collections: BTreeSet<CollectionId>,
}

impl AclFilter {
    /// Narrows to the collections asked for; collections that are not granted fall away.
    #[must_use]
    pub fn narrowed_to(&self, asked: &[CollectionId]) -> Self {
        if asked.is_empty() {
            return self.clone();
        }
        Self { collections: self.collections.iter().copied().filter(|id| asked.contains(id)).collect() }
    }

    /// The collections, in order.
    pub fn collections(&self) -> impl ExactSizeIterator<Item = CollectionId> + '_ {
        self.collections.iter().copied()
    }

    /// Says whether the collection may be read.
    pub fn allows(&self, collection: CollectionId) -> bool {
        self.collections.contains(&collection)
    }

    /// Says whether nothing may be read.
    pub fn is_empty(&self) -> bool {
        self.collections.is_empty()
    }
}
