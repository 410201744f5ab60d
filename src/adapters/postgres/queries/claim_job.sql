with next as (
    select id from jobs
    where state = 'ready' and run_at <= now()
    order by run_at, id
    for update skip locked
    limit 1
),
claimed as (
    update jobs
    set state = 'running',
        stage = 'queued',
        done = 0,
        total = 0,
        attempts = attempts + 1,
        worker = $1,
        lease_until = now() + make_interval(secs => $2)
    from next
    where jobs.id = next.id
    returning jobs.id, jobs.document_id, jobs.version, jobs.attempts, jobs.max_attempts
)
update versions
set status = 'processing'
from claimed
where versions.document_id = claimed.document_id and versions.number = claimed.version
returning
    claimed.id,
    claimed.document_id,
    claimed.version,
    claimed.attempts,
    claimed.max_attempts,
    versions.collection_id,
    versions.sha256,
    versions.file_name,
    versions.given_title,
    versions.password
