select
    collections.id,
    collections.name,
    collections.created_at,
    (select count(*) from documents where documents.collection_id = collections.id) as "documents!"
from collections
where collections.id = $1 and collections.id = any($2)
