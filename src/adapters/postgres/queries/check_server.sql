select
    current_setting('server_version_num')::integer as "version!",
    current_setting('server_encoding') as "encoding!",
    current_setting('fsync') = 'on' as "durable!",
    pg_is_in_recovery() as "standby!"
