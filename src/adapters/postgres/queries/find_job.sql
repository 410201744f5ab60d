select
    jobs.id, jobs.document_id, jobs.collection_id, jobs.version, versions.file_name, jobs.state, jobs.begins,
    jobs.stage, jobs.done, jobs.total, jobs.attempts, jobs.max_attempts, jobs.run_at, jobs.created_at,
    jobs.finished_at, jobs.failed_stage, jobs.error as "error: Json<Warning>"
from jobs
join versions on versions.document_id = jobs.document_id and versions.number = jobs.version
where jobs.id = $1 and jobs.collection_id = any($2)
