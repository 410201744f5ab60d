-- Its words are in the index. It is seen only where nothing is visible yet: readers of an earlier version keep it until
-- this one is whole.
with worded as (
    update outlines set worded = true where document_id = $1 and version = $2
),
shown as (
    update documents
    set visible_version = $2
    where id = $1 and coalesce(visible_version, $2) = $2
    returning id
)
update versions
set visible_since = coalesce(visible_since, now())
from shown
where versions.document_id = shown.id and versions.number = $2
