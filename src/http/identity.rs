//! Passwords, keys and the first administrator: how secrets are made, hashed and checked. Knows no request.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::domain::ApiKeyId;
use crate::domain::Role;
use crate::domain::SessionId;
use crate::domain::UserId;
use crate::http::record::Act;
use crate::http::record::ActError;
use crate::http::record::recorded;
use crate::ports::ApiKey;
use crate::ports::Credentials;
use crate::ports::StoreError;
use crate::ports::User;
use crate::ports::Users;
use argon2::Argon2;
use argon2::PasswordHasher;
use argon2::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use tokio::task::spawn_blocking;

const FIRST_ADMIN: &str = "admin";
const KEY_PREFIX: &str = "dk_";
/// Characters of a key that its owner sees later, to tell keys apart.
const SHOWN_PREFIX: usize = 8;
/// Digits of 256 bits in base 62.
const SECRET_DIGITS: usize = 43;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Nobody's hash, with the parameters of everybody's: an unknown name costs as much time as a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Why there is no first administrator, or no new password.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log did not take it.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The hash function failed: a bug.
    #[error("a password could not be hashed: {0}")]
    Hash(String),
}

impl From<ActError> for IdentityError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Audit(error) => Self::Audit(error),
            ActError::Store(error) => Self::Store(error),
        }
    }
}

/// The administrator that the first start made; shown once.
pub struct FirstAdmin {
    pub name: String,
    pub password: SecretString,
    pub key: SecretString,
}

/// Makes the first administrator if there is no user yet and gives what must be printed; later only sees to it that the
/// bootstrap key, if one is set, is a key of `admin`. Recorded in the log before it is done.
pub async fn bootstrap(
    users: &dyn Users,
    credentials: &dyn Credentials,
    auditor: &Auditor,
    bootstrap_key: Option<&SecretString>,
) -> Result<Option<FirstAdmin>, IdentityError> {
    let known = users.list().await?;
    if known.is_empty() {
        match first_start(users, credentials, auditor, bootstrap_key).await {
            // Another replica was first.
            Err(IdentityError::Store(StoreError::Conflict { .. })) => {}
            other => return other.map(Some),
        }
    }
    let Some(key) = bootstrap_key else { return Ok(None) };
    let known = if known.is_empty() { users.list().await? } else { known };
    let Some(admin) = known.iter().find(|user| user.name == FIRST_ADMIN) else {
        tracing::warn!("the bootstrap key is not added: there is no user `admin`");
        return Ok(None);
    };
    add_bootstrap_key(credentials, auditor, admin.id, key).await?;
    Ok(None)
}

async fn first_start(
    users: &dyn Users,
    credentials: &dyn Credentials,
    auditor: &Auditor,
    bootstrap_key: Option<&SecretString>,
) -> Result<FirstAdmin, IdentityError> {
    let password = SecretString::from(make_secret());
    let hash = hash_password(password.clone()).await?;
    let roles = BTreeSet::from([Role::Viewer, Role::Contributor, Role::Admin, Role::Auditor]);
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    let facts = serde_json::json!({ "roles": names, "first_start": true });
    let act = Act { kind: "user.create", facts, content: None };
    let found = |user: &User| serde_json::json!({ "user": user.id });
    let admin = recorded(auditor, None, act, users.create(FIRST_ADMIN, &hash, &roles), found).await?;
    let key = bootstrap_key.cloned().unwrap_or_else(|| SecretString::from(make_key()));
    add_bootstrap_key(credentials, auditor, admin.id, &key).await?;
    Ok(FirstAdmin { name: admin.name, password, key })
}

async fn add_bootstrap_key(
    credentials: &dyn Credentials,
    auditor: &Auditor,
    admin: UserId,
    key: &SecretString,
) -> Result<(), IdentityError> {
    let secret_hash = hash(key.expose_secret());
    if credentials.key_owner(&secret_hash).await?.is_some() {
        return Ok(());
    }
    let row = key_row(admin, "bootstrap".to_owned(), key.expose_secret());
    let facts = serde_json::json!({ "key": row.id, "user": admin, "first_start": true });
    let act = Act { kind: "apikey.create", facts, content: None };
    let found = |(): &()| serde_json::json!({ "key": row.id });
    match recorded(auditor, None, act, credentials.create_key(&secret_hash, &row), found).await {
        // It was revoked, and stays so.
        Err(ActError::Store(StoreError::Conflict { .. })) => Ok(()),
        other => Ok(other?),
    }
}

/// The row of a new key; the key itself is not in it.
pub(super) fn key_row(user_id: UserId, name: String, key: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId::new(),
        user_id,
        name,
        prefix: key.chars().take(SHOWN_PREFIX).collect(),
        created_at: OffsetDateTime::now_utc(),
        revoked: false,
    }
}

/// Makes a bearer key: `dk_` and 256 random bits in base 62.
pub(super) fn make_key() -> String {
    format!("{KEY_PREFIX}{}", make_secret())
}

/// Makes 256 random bits in base 62.
pub(super) fn make_secret() -> String {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).expect("the system's generator answers");
    base62(bytes)
}

/// Says whether a text has the form of a key; a bootstrap key may have any characters but spaces.
pub(super) fn is_key(text: &str) -> bool {
    text.starts_with(KEY_PREFIX)
        && (23..=256).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Says whether a text has the form of [`make_secret`].
pub(super) fn is_secret(text: &str) -> bool {
    text.len() == SECRET_DIGITS && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// What is stored of a secret. A secret of 256 random bits needs no slow hash.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// What a session is called in the audit record: from its secret's hash, which it does not give away.
pub(super) fn session_id(secret_hash: &[u8; 32]) -> SessionId {
    let digest = Sha256::digest(secret_hash);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    SessionId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Hashes a password with Argon2id (RFC 9106) at the crate's recommended cost, off the async threads.
pub(super) async fn hash_password(password: SecretString) -> Result<String, IdentityError> {
    let hashing = spawn_blocking(move || {
        let hash: Result<PasswordHash, _> =
            Argon2::default().hash_password(password.expose_secret().as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|error| IdentityError::Hash(error.to_string()))
    });
    hashing.await.map_err(|error| IdentityError::Hash(error.to_string()))?
}

/// Whose password it is; none when the name is unknown, the password wrong, or the user may not sign in. All three take
/// the same time.
pub(super) async fn check_password(
    users: &dyn Users,
    name: &str,
    password: SecretString,
) -> Result<Option<UserId>, IdentityError> {
    let known = users.password_hash(name).await?;
    let (user, stored) = known.map_or((None, NOBODY.to_owned()), |(user, hash)| (Some(user), hash));
    let checking = spawn_blocking(move || {
        let hash = PasswordHash::new(&stored).map_err(|error| IdentityError::Hash(error.to_string()))?;
        Ok(Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
    });
    let right: Result<bool, IdentityError> =
        checking.await.map_err(|error| IdentityError::Hash(error.to_string()))?;
    let right = right?;
    Ok(user.filter(|_| right))
}

/// Long division by 62; always 43 digits, most significant first.
fn base62(mut number: [u8; 32]) -> String {
    let mut digits = [0; SECRET_DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest: u32 = 0;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *digit = DIGITS[rest as usize];
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_dk_and_43_digits_and_never_the_same() {
        let keys: BTreeSet<String> = (0..100).map(|_| make_key()).collect();

        assert_eq!(keys.len(), 100);
        assert!(keys.iter().all(|key| key.len() == 46 && is_key(key) && is_secret(&key[3..])), "{keys:?}");
    }

    #[test]
    fn base62_keeps_all_256_bits() {
        let mut one = [0; 32];
        one[31] = 1;

        assert_eq!(base62([0; 32]), "0".repeat(43));
        assert_eq!(base62(one), format!("{}1", "0".repeat(42)));
        assert_eq!(base62([255; 32]), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
    }

    #[tokio::test]
    async fn a_password_is_right_and_another_is_not() {
        let hash = hash_password(SecretString::from("correct horse".to_owned())).await.unwrap();

        let parsed = PasswordHash::new(&hash).unwrap();

        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"battery staple", &parsed).is_err());
    }

    #[tokio::test]
    async fn nobodys_hash_costs_as_much_as_anybodys() {
        let anybody = hash_password(SecretString::from("x".to_owned())).await.unwrap();

        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);

        assert_eq!(cost(NOBODY), cost(&anybody));
        assert!(PasswordHash::new(NOBODY).is_ok_and(|hash| hash.hash.is_some()));
    }
}
