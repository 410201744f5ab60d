select
    collections.id,
    collections.name,
    collections.created_at,
    (select count(*) from documents where documents.collection_id = collections.id) as "documents!"
from collections
where collections.id = any($1)
    and ($2::text is null or collections.name collate "C" > $2)
order by collections.name collate "C"
limit $3
