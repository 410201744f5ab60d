select
    passages.id,
    passages.document_id,
    documents.collection_id,
    passages.version,
    passages.ordinal,
    versions.title,
    passages.page,
    passages.first,
    passages.past,
    passages.boxes as "boxes: Json<Vec<Rect>>",
    passages.heading_path as "heading_path: Json<Vec<String>>",
    passages.table_header,
    passages.content
from passages
join documents on documents.id = passages.document_id
join versions on versions.document_id = passages.document_id and versions.number = passages.version
where passages.id = any($1)
    and documents.collection_id = any($2)
    and case
        when $3 then true
        when $4::timestamptz is null then documents.visible_version = passages.version
        else versions.visible_since <= $4 and coalesce($4 < versions.visible_until, true)
    end
