select
    outlines.read_with as "read_with!",
    outlines.cut_with as "cut_with!",
    outlines.worded,
    outlines.stored_by as "stored_by!",
    outlines.reading::text as "reading!",
    outlines.structure as "structure!: Json<Structure>",
    versions.media_type,
    versions.read_title,
    versions.coverage as "coverage!: Json<Coverage>",
    versions.warnings as "warnings!: Json<Vec<Warning>>"
from outlines
join versions on versions.document_id = outlines.document_id and versions.number = outlines.version
where outlines.document_id = $1
    and outlines.version = $2
    and outlines.cut_with is not null
    and versions.coverage is not null
