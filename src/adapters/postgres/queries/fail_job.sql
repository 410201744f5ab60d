with over as (
    update jobs
    set state = case when $5::timestamptz is not null and attempts < max_attempts then 'ready' else 'failed' end,
        stage = 'queued',
        run_at = coalesce($5, run_at),
        worker = null,
        lease_until = null,
        error = $4::text::json,
        finished_at = case when $5::timestamptz is not null and attempts < max_attempts then null else now() end
    where id = $1 and worker = $2 and attempts = $3 and state = 'running'
    returning document_id, version, state
)
update versions
set status = case over.state when 'ready' then 'queued' else 'failed' end,
    error = case over.state when 'ready' then null else $4::text::json end
from over
where versions.document_id = over.document_id and versions.number = over.version
