select
    ordinal, page, first, past, boxes as "boxes: Json<Vec<Rect>>", heading_path as "heading_path: Json<Vec<String>>",
    table_header, content, embedded_sha256
from passages
where document_id = $1 and version = $2 and ordinal >= $3
order by ordinal
limit $4
