select
    id, document_id, collection_id, version, state, stage, done, total, attempts, max_attempts, run_at,
    error as "error: Json<Warning>"
from jobs
where id = $1 and collection_id = any($2)
