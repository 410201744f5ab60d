//! Users, grants, sessions and keys.

use crate::support::postgres::TestPostgres;
use docent::domain::ApiKeyId;
use docent::domain::AuthMethod;
use docent::domain::CollectionId;
use docent::domain::Permission;
use docent::domain::Role;
use docent::domain::SessionId;
use docent::domain::UserId;
use docent::ports::ApiKey;
use docent::ports::Collections;
use docent::ports::Credentials;
use docent::ports::StoreError;
use docent::ports::Users;
use std::collections::BTreeSet;
use time::OffsetDateTime;

#[tokio::test]
async fn a_name_is_taken_whatever_its_case() {
    let postgres = TestPostgres::fresh().await;
    let roles = BTreeSet::from([Role::Viewer, Role::Auditor]);
    let ada = Users::create(&postgres.store, "Ada", "hash", &roles).await.unwrap();

    let second = Users::create(&postgres.store, "ada", "hash", &roles).await;
    let found = postgres.store.password_hash("ADA").await.unwrap();
    let who = postgres.store.principal(ada.id, AuthMethod::Session(SessionId::new())).await.unwrap().unwrap();

    assert!(matches!(second, Err(StoreError::Conflict { .. })));
    assert_eq!(found, Some((ada.id, "hash".to_owned())));
    assert_eq!((who.name(), who.roles()), ("Ada", &roles));
}

#[tokio::test]
async fn a_grant_shows_and_its_end_hides() {
    let postgres = TestPostgres::fresh().await;
    let (_, collection) = postgres.contributor("ada").await;
    let bob =
        Users::create(&postgres.store, "bob", "hash", &BTreeSet::from([Role::Viewer])).await.unwrap().id;

    let before =
        Collections::find(&postgres.store, collection.id, &postgres.filter(bob).await).await.unwrap();
    postgres.store.grant(bob, collection.id, Some(Permission::Read)).await.unwrap();
    let granted =
        Collections::find(&postgres.store, collection.id, &postgres.filter(bob).await).await.unwrap();
    postgres.store.grant(bob, collection.id, None).await.unwrap();
    let after = Collections::list(&postgres.store, &postgres.filter(bob).await, None, 10).await.unwrap();

    assert!(before.is_none());
    assert_eq!(granted.unwrap().name, collection.name);
    assert!(after.data.is_empty());
    assert_eq!(postgres.store.grants(collection.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_grant_needs_a_user_and_a_collection() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;

    for (user, collection, permission, expected) in [
        (UserId::new(), collection.id, Some(Permission::Read), "no user"),
        (UserId::new(), collection.id, None, "no user"),
        (ada, CollectionId::new(), Some(Permission::Read), "no collection"),
        (ada, CollectionId::new(), None, "no collection"),
    ] {
        let said = postgres.store.grant(user, collection, permission).await.unwrap_err().to_string();

        assert!(said.starts_with(expected), "{said}");
    }
}

#[tokio::test]
async fn collections_come_in_pages_by_name() {
    let postgres = TestPostgres::fresh().await;
    let (ada, _) = postgres.contributor("ada").await;
    for name in ["z", "合同", "a", "B"] {
        Collections::create(&postgres.store, name, ada).await.unwrap();
    }
    let filter = postgres.filter(ada).await;

    let mut names = Vec::new();
    let mut cursor = None;
    loop {
        let page = Collections::list(&postgres.store, &filter, cursor.as_deref(), 2).await.unwrap();
        names.extend(page.data.into_iter().map(|collection| collection.name));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }

    assert_eq!(names, ["B", "a", "papers of ada", "z", "合同"]);
}

#[tokio::test]
async fn a_taken_collection_name_is_a_conflict() {
    let postgres = TestPostgres::fresh().await;
    let (ada, collection) = postgres.contributor("ada").await;

    let second = Collections::create(&postgres.store, &collection.name, ada).await;

    assert!(matches!(second, Err(StoreError::Conflict { what }) if what == "collection `papers of ada`"));
}

#[tokio::test]
async fn a_revoked_key_opens_nothing() {
    let postgres = TestPostgres::fresh().await;
    let (ada, _) = postgres.contributor("ada").await;
    let (bob, _) = postgres.contributor("bob").await;
    let key = ApiKey {
        id: ApiKeyId::new(),
        user_id: ada,
        name: "script".to_owned(),
        prefix: "dk_abc".to_owned(),
        created_at: OffsetDateTime::now_utc(),
        revoked: false,
    };
    postgres.store.create_key(&[7; 32], &key).await.unwrap();

    let again = postgres.store.create_key(&[7; 32], &ApiKey { id: ApiKeyId::new(), ..key.clone() }).await;
    let not_bobs = postgres.store.keys(bob, Some(key.id)).await;
    let before = postgres.store.key_owner(&[7; 32]).await.unwrap();
    let listed = postgres.store.keys(ada, Some(key.id)).await.unwrap();
    let after = postgres.store.key_owner(&[7; 32]).await.unwrap();

    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    assert!(matches!(not_bobs, Err(StoreError::Missing { .. })));
    assert_eq!((before, after), (Some((key.id, ada)), None));
    assert!(listed.iter().all(|key| key.revoked) && listed.len() == 1);
}

#[tokio::test]
async fn a_session_ends_when_it_is_closed_or_has_expired() {
    let postgres = TestPostgres::fresh().await;
    let (ada, _) = postgres.contributor("ada").await;
    let later = OffsetDateTime::now_utc() + time::Duration::hours(1);
    postgres.store.open_session(&[1; 32], "form", ada, later).await.unwrap();
    postgres.store.open_session(&[2; 32], "form", ada, OffsetDateTime::now_utc()).await.unwrap();

    let open = postgres.store.session(&[1; 32]).await.unwrap();
    let expired = postgres.store.session(&[2; 32]).await.unwrap();
    postgres.store.close_session(&[1; 32]).await.unwrap();
    let closed = postgres.store.session(&[1; 32]).await.unwrap();

    assert_eq!(open, Some((ada, "form".to_owned())));
    assert_eq!((expired, closed), (None, None));
}
