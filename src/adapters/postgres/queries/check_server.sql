select
    current_setting('server_version_num')::integer as "version!",
    current_setting('server_encoding') as "encoding!",
    current_setting('fsync') = 'on' as "fsync!",
    current_setting('full_page_writes') = 'on' as "full_page_writes!",
    current_setting('synchronous_commit') <> 'off' as "synchronous_commit!",
    pg_is_in_recovery() as "standby!"
