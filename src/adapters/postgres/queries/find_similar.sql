-- Bands make candidates; how much they have in common is computed from the signatures.
with wanted as (
    select sketches.*
    from documents
    join sketches on sketches.document_id = documents.id and sketches.version = documents.visible_version
    where documents.id = $1 and documents.collection_id = any($2)
)
select
    documents.id,
    versions.title as "title!",
    sketches.signature,
    wanted.signature as wanted
from wanted
join sketches
    on sketches.bands && wanted.bands
    and sketches.collection_id = wanted.collection_id
    and sketches.document_id <> wanted.document_id
join documents on documents.id = sketches.document_id and documents.visible_version = sketches.version
join versions on versions.document_id = documents.id and versions.number = sketches.version
order by documents.id
limit $3
