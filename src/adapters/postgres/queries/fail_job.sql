-- Ends an attempt; $6: it counts.
with over as (
    update jobs
    set state = case when $5::timestamptz is not null and (not $6 or attempts < max_attempts) then 'ready' else 'failed' end,
        attempts = attempts - case when $6 then 0 else 1 end,
        failed_stage = stage,
        stage = 'queued',
        run_at = coalesce($5, run_at),
        worker = null,
        lease_until = null,
        error = $4::text::json,
        finished_at = case
            when $5::timestamptz is not null and (not $6 or attempts < max_attempts) then null
            else now()
        end
    where id = $1 and worker = $2 and attempts = $3 and state = 'running'
    returning document_id, version, state, redo
),
withdrawn as (
    -- What was searchable by its words alone is not what it says it is.
    update documents
    set visible_version = null
    from over
    where over.state = 'failed'
        and not over.redo
        and documents.id = over.document_id
        and documents.visible_version = over.version
    returning documents.id
),
changed as (
    update versions
    set visible_since = case over.state when 'ready' then visible_since end,
        visible_until = case over.state when 'ready' then visible_until end,
        status = case over.state when 'ready' then 'queued' else 'failed' end,
        error = case over.state when 'ready' then null else $4::text::json end
    from over, (select count(*) from withdrawn) as documents_first -- the order of locks
    where versions.document_id = over.document_id and versions.number = over.version and not over.redo
)
select state as "state!" from over
