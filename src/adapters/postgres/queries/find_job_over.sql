-- The locks keep two requests from beginning the same job twice, one of which may be a second upload of its file.
select
    jobs.document_id,
    jobs.version,
    jobs.collection_id,
    jobs.state,
    versions.job_id,
    versions.status in ('ready', 'ready_with_warnings') as "whole!"
from jobs
join versions on versions.document_id = jobs.document_id and versions.number = jobs.version
where jobs.id = $1 and jobs.collection_id = any($2)
for update of jobs, versions
