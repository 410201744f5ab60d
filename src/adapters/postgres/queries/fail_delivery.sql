with failed as (
    update deliveries
    set state = case when $5::timestamptz is null then 'dead' else 'pending' end,
        run_at = coalesce($5, run_at),
        lease_until = null,
        status = $3,
        error = $4,
        finished_at = case when $5::timestamptz is null then now() end
    where id = $1 and attempts = $2 and state = 'pending'
    returning webhook_id, run_at
),
later as (
    -- What was never tried waits as long: a receiver that is away does not keep the others waiting.
    select deliveries.id, failed.run_at
    from failed
    join deliveries on deliveries.webhook_id = failed.webhook_id
    where deliveries.id <> $1 and deliveries.state = 'pending' and deliveries.attempts = 0
    order by deliveries.id
    for update of deliveries skip locked
)
update deliveries
set run_at = greatest(deliveries.run_at, later.run_at)
from later
where deliveries.id = later.id
