-- The lock keeps two uploads of the same failed file from making two jobs.
select document_id, number, status, job_id
from versions
where collection_id = $1 and sha256 = $2
for update
