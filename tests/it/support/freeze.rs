//! Stops the pipeline at a chosen write from outside: a trigger lets the write wait for a lock that the test holds.

use crate::support::app::eventually;
use crate::support::postgres::TestPostgres;
use sqlx::Connection;
use sqlx::PgConnection;

/// Tables that can be frozen; the place of one is the number of its advisory lock, in each test's own database.
const TABLES: [&str; 4] = ["jobs", "documents", "versions", "passages"];

/// Writes that wait until they are let go.
pub(crate) struct Freeze<'a> {
    database: &'a TestPostgres,
    number: i64,
    lock: PgConnection,
}

impl<'a> Freeze<'a> {
    /// From now on a write of `table` (`event` is `insert` or `update`) waits whose new row fulfils `when`.
    pub(crate) async fn at(database: &'a TestPostgres, table: &str, event: &str, when: &str) -> Freeze<'a> {
        let number = TABLES.iter().position(|known| *known == table).expect("it stands in the list") as i64;
        let mut lock = database.owner().await;
        sqlx::query("select pg_advisory_lock($1)").bind(number).execute(&mut lock).await.unwrap();
        let function = "create or replace function hold_still() returns trigger language plpgsql as
            $$ begin perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint); return new; end $$";
        database.execute_as_owner(function).await;
        // It stays when the lock goes: dropping it would wait for whoever uses the table.
        let trigger = format!(
            "create or replace trigger hold_still before {event} on {table} for each row when ({when})
             execute function hold_still({number})"
        );
        database.execute_as_owner(&trigger).await;
        Self { database, number, lock }
    }

    /// Waits until a write waits.
    pub(crate) async fn met(&self) {
        eventually("the write comes", || async {
            let waiting: i64 = sqlx::query_scalar(
                "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database
                 where datname = current_database() and locktype = 'advisory' and objid = $1::bigint::oid
                     and not granted",
            )
            .bind(self.number)
            .fetch_one(&mut self.database.owner().await)
            .await
            .unwrap();
            (waiting > 0).then_some(())
        })
        .await;
    }

    /// Lets the write go on, and all after it.
    pub(crate) async fn release(self) {
        self.lock.close().await.unwrap();
    }
}
