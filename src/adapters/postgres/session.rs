//! Connections: what is asked of a server before it is used, and of each session. Knows no table but sqlx's own.

use crate::adapters::postgres::PostgresError;
use crate::config::Database;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::PgConnection;
use sqlx::PgPool;
use sqlx::Row;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::postgres::PgPoolOptions;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

/// The oldest server that knows all our SQL, as `server_version_num`.
const OLDEST: i32 = 150_000;

/// Opens the pool.
pub(super) async fn open(
    url: &str,
    database: &Database,
    migrator: &Migrator,
) -> Result<PgPool, PostgresError> {
    let options = options(url)?;
    let deadline = Duration::from_millis(database.timeout_ms);
    tokio::time::timeout(deadline, check(&options, migrator)).await.map_err(|_| PostgresError::Silent)??;
    let timeout_ms = database.timeout_ms;
    PgPoolOptions::new()
        .max_connections(database.max_connections)
        .min_connections(1)
        .acquire_timeout(deadline)
        .after_connect(move |connection, _| Box::pin(prepare(connection, timeout_ms)))
        .after_release(|connection, _| Box::pin(is_outside_transaction(connection)))
        .connect_with(options)
        .await
        .map_err(PostgresError::Connect)
}

/// Applies what is missing; sqlx holds an advisory lock meanwhile.
pub(super) async fn migrate(url: &str, migrator: &Migrator) -> Result<(), PostgresError> {
    let mut connection = options(url)?.connect().await.map_err(PostgresError::Connect)?;
    check_server(&mut connection).await?;
    migrator.run_direct(None, &mut connection, false).await.map_err(PostgresError::Migration)?;
    connection.close().await.map_err(PostgresError::Connect)
}

fn options(url: &str) -> Result<PgConnectOptions, PostgresError> {
    PgConnectOptions::from_str(url)
        .map(|options| options.application_name("docent"))
        .map_err(PostgresError::Connect)
}

async fn check(options: &PgConnectOptions, migrator: &Migrator) -> Result<(), PostgresError> {
    let mut connection = options.connect().await.map_err(PostgresError::Connect)?;
    check_server(&mut connection).await?;
    check_schema(&mut connection, migrator).await?;
    connection.close().await.map_err(PostgresError::Connect)
}

async fn check_server(connection: &mut PgConnection) -> Result<(), PostgresError> {
    let server = sqlx::query_file!("src/adapters/postgres/queries/check_server.sql")
        .fetch_one(connection)
        .await
        .map_err(PostgresError::Connect)?;
    if server.version < OLDEST {
        return Err(PostgresError::ServerTooOld { version: server.version });
    }
    if server.encoding != "UTF8" {
        return Err(PostgresError::Unfit { what: format!("its encoding is {}, not UTF8", server.encoding) });
    }
    for (name, is_on) in [
        ("fsync", server.fsync),
        ("full_page_writes", server.full_page_writes),
        ("synchronous_commit", server.synchronous_commit),
    ] {
        if !is_on {
            let what =
                format!("`{name}` is off: a crash or power cut would lose records that were acknowledged");
            return Err(PostgresError::Unfit { what });
        }
    }
    if server.standby {
        return Err(PostgresError::Unfit { what: "it is a standby, which takes no writes".to_owned() });
    }
    Ok(())
}

async fn check_schema(connection: &mut PgConnection, migrator: &Migrator) -> Result<(), PostgresError> {
    // Not a checked query: sqlx makes this table itself, before the first migration.
    let applied: Vec<i64> = sqlx::query_scalar("select version from _sqlx_migrations where success")
        .fetch_all(connection)
        .await
        .or_else(|error| if is_undefined_table(&error) { Ok(Vec::new()) } else { Err(error) })
        .map_err(PostgresError::Connect)?;
    let applied: BTreeSet<i64> = applied.into_iter().collect();
    let missing = migrator.iter().filter(|migration| !applied.contains(&migration.version)).count();
    if missing > 0 {
        return Err(PostgresError::NotMigrated { missing });
    }
    Ok(())
}

fn is_undefined_table(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("42P01")
}

async fn prepare(connection: &mut PgConnection, timeout_ms: u64) -> Result<(), sqlx::Error> {
    // A transaction whose client fell silent must let go of its locks, but a slow client is not a silent one.
    let idle_ms = timeout_ms.saturating_mul(6);
    sqlx::query_file!(
        "src/adapters/postgres/queries/prepare_session.sql",
        timeout_ms.to_string(),
        idle_ms.to_string()
    )
    .fetch_all(connection)
    .await
    .map(|_settings| ())
}

/// sqlx 0.9.0 takes a connection back with its transaction open when `begin` was dropped half way (issue 4393 there, mended
/// after that release): locks would stay, and what others do over it would never be committed. Such a one is closed.
async fn is_outside_transaction(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // In the simple protocol, and only there, one's own transaction begins with the statement; an open one began before it.
    let row = sqlx::raw_sql("select now() = statement_timestamp()").fetch_one(connection).await?;
    let outside: bool = row.try_get(0)?;
    if !outside {
        tracing::warn!("a connection to Postgres came back in a transaction and is closed");
    }
    Ok(outside)
}
