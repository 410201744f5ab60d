//! Stops the pipeline at a chosen write from outside: a trigger lets the write wait for a lock that the test holds.

use crate::support::app::eventually;
use crate::support::postgres::TestPostgres;
use sqlx::PgConnection;

/// Of the advisory lock, in each test's own database.
const LOCK: i64 = 7;

/// Writes that wait until they are let go.
pub(crate) struct Freeze<'a> {
    database: &'a TestPostgres,
    table: &'static str,
    _lock: PgConnection,
}

impl<'a> Freeze<'a> {
    /// From now on a write of `table` (`event` is `insert` or `update`) waits whose new row fulfils `when`.
    pub(crate) async fn at(
        database: &'a TestPostgres,
        table: &'static str,
        event: &str,
        when: &str,
    ) -> Freeze<'a> {
        let mut lock = database.owner().await;
        sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut lock).await.unwrap();
        database
            .execute_as_owner(&format!(
                "create or replace function freeze() returns trigger language plpgsql as
                 $$ begin perform pg_advisory_xact_lock_shared({LOCK}); return new; end $$"
            ))
            .await;
        database
            .execute_as_owner(&format!(
                "create trigger freeze before {event} on {table} for each row when ({when}) execute function freeze()"
            ))
            .await;
        Self { database, table, _lock: lock }
    }

    /// Waits until a write waits.
    pub(crate) async fn met(&self) {
        eventually("the write comes", || async {
            let waiting: i64 = sqlx::query_scalar(
                "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database
                 where datname = current_database() and locktype = 'advisory' and not granted",
            )
            .fetch_one(&mut self.database.owner().await)
            .await
            .unwrap();
            (waiting > 0).then_some(())
        })
        .await;
    }

    /// Lets the write go on, and all after it.
    pub(crate) async fn release(self) {
        let Self { database, table, _lock: lock } = self;
        sqlx::Connection::close(lock).await.unwrap();
        database.execute_as_owner(&format!("drop trigger freeze on {table}")).await;
    }
}
