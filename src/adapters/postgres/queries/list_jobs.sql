-- The newest job of each version: those before it were begun again.
select
    jobs.id, jobs.document_id, jobs.collection_id, jobs.version, versions.file_name, jobs.state, jobs.begins,
    jobs.stage, jobs.done, jobs.total, jobs.attempts, jobs.max_attempts, jobs.run_at, jobs.created_at,
    jobs.finished_at, jobs.failed_stage, jobs.error as "error: Json<Warning>"
from jobs
join versions
    on versions.document_id = jobs.document_id
    and versions.number = jobs.version
    and versions.job_id = jobs.id
where jobs.collection_id = any($1)
    and jobs.state = any($2)
    and ($3::uuid is null or jobs.collection_id = $3)
    and ($4::uuid is null or jobs.document_id = $4)
    and ($5::uuid is null or jobs.id < $5)
order by jobs.id desc
limit $6
