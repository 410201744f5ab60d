-- A worker that went silent loses its job: to the next one, or for good when its attempts are used up. So do at once all
-- workers of a place ($2) that is known to have ended.
with lost as (
    select id from jobs
    where state = 'running' and case when $2::text is null then lease_until < now() else starts_with(worker, $2) end
    order by lease_until
    for update skip locked
    limit 100
),
put_back as (
    update jobs
    set state = case when attempts < max_attempts then 'ready' else 'failed' end,
        failed_stage = stage,
        stage = 'queued',
        run_at = now(),
        worker = null,
        lease_until = null,
        error = $1::text::json,
        finished_at = case when attempts < max_attempts then null else now() end
    from lost
    where jobs.id = lost.id
    returning jobs.document_id, jobs.version, jobs.state, jobs.redo
),
withdrawn as (
    -- What was searchable by its words alone is not what it says it is.
    update documents
    set visible_version = null
    from put_back
    where put_back.state = 'failed'
        and not put_back.redo
        and documents.id = put_back.document_id
        and documents.visible_version = put_back.version
    returning documents.id
),
changed as (
    update versions
    set visible_since = case put_back.state when 'ready' then visible_since end,
        visible_until = case put_back.state when 'ready' then visible_until end,
        status = case put_back.state when 'ready' then 'queued' else 'failed' end,
        error = case put_back.state when 'ready' then null else $1::text::json end
    from put_back, (select count(*) from withdrawn) as documents_first -- the order of locks
    where versions.document_id = put_back.document_id and versions.number = put_back.version and not put_back.redo
)
select state as "state!" from put_back
