with next as (
    select id from deliveries
    where state = 'pending' and run_at <= now() and (lease_until is null or lease_until < now())
    order by run_at, id
    for update skip locked
    limit $2
)
update deliveries
set attempts = attempts + 1,
    lease_until = now() + make_interval(secs => $1)
from next, webhooks
where deliveries.id = next.id and webhooks.id = deliveries.webhook_id
returning deliveries.id, deliveries.webhook_id, deliveries.payload, deliveries.attempts, webhooks.url, webhooks.secret
