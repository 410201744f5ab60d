select outlines.structure as "structure!: Json<Structure>"
from documents
join versions
    on versions.document_id = documents.id
    and versions.number = coalesce($2, documents.visible_version)
    and versions.visible_since is not null
join outlines
    on outlines.document_id = versions.document_id
    and outlines.version = versions.number
where documents.id = $1 and documents.collection_id = any($3)
