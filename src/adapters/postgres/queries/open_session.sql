with expired as (
    delete from sessions where expires_at <= now()
)
insert into sessions (secret_hash, csrf, user_id, expires_at)
values ($1, $2, $3, $4)
