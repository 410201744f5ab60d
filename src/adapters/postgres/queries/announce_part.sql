insert into upload_parts (upload_id, name, first, sha256)
select id, $3, $4, $5
from uploads
where id = $1 and holder = $2 and received = $4 and outcome is null
