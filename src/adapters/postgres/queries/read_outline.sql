-- A version that nobody could see yet gives no row; one that came in before there were outlines gives an empty one.
select versions.number as version, coalesce(outlines.clauses, '[]') as "clauses!: Json<Vec<Clause>>"
from documents
join versions
    on versions.document_id = documents.id
    and versions.number = coalesce($2, documents.visible_version)
    and versions.visible_since is not null
left join outlines
    on outlines.document_id = versions.document_id
    and outlines.version = versions.number
where documents.id = $1 and documents.collection_id = any($3)
