-- Ends a job that waits or runs; a worker that has it finds its writes refused.
with over as (
    update jobs
    set state = 'stopped',
        failed_stage = stage,
        stage = 'queued',
        worker = null,
        lease_until = null,
        error = $3::text::json,
        finished_at = now()
    where id = $1 and collection_id = any($2) and state in ('ready', 'running')
    returning document_id, version, redo
),
withdrawn as (
    -- What was searchable by its words alone is not what it says it is.
    update documents
    set visible_version = null
    from over
    where not over.redo and documents.id = over.document_id and documents.visible_version = over.version
    returning documents.id
),
changed as (
    update versions
    set visible_since = null,
        visible_until = null,
        status = 'failed',
        error = $3::text::json
    from over, (select count(*) from withdrawn) as documents_first -- the order of locks
    where versions.document_id = over.document_id and versions.number = over.version and not over.redo
)
select document_id from over
