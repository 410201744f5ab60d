-- What is replaced is not seen until it is there again.
with held as (
    update jobs
    set redo = false
    where id = $1 and worker = $2 and attempts = $3 and state = 'running'
    returning document_id, version
),
hidden as (
    update documents
    set visible_version = null
    from held
    where documents.id = held.document_id and documents.visible_version = held.version
    returning documents.id
)
update versions
set status = 'processing'
from held, (select count(*) from hidden) as documents_first -- the order of locks
where versions.document_id = held.document_id and versions.number = held.version
