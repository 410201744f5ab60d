-- The row's own check keeps it from growing beyond what was announced.
with advanced as (
    update uploads
    set received = received + $5
    where id = $1 and holder = $2 and received = $4 and outcome is null
    returning id
)
update upload_parts
set bytes = $5
from advanced
where upload_parts.upload_id = advanced.id and upload_parts.name = $3
