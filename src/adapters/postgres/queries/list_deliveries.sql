select id, event, state, attempts, status, error, created_at, run_at, finished_at
from deliveries
where webhook_id = $1
order by created_at desc, id
limit $2
