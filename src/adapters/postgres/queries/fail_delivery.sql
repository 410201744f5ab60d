update deliveries
set state = case when $5::timestamptz is null then 'dead' else 'pending' end,
    run_at = coalesce($5, run_at),
    lease_until = null,
    status = $3,
    error = $4,
    finished_at = case when $5::timestamptz is null then now() end
where id = $1 and attempts = $2 and state = 'pending'
