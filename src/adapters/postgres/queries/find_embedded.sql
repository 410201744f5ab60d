select id, embedded_sha256 as "embedded_sha256!"
from passages
where document_id = $1 and embedded_sha256 = any($2)
