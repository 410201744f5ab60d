insert into passages (
    id, document_id, version, collection_id, ordinal, page, first, past, boxes, heading_path, content,
    table_header, embedded_sha256
)
select
    passage.id, $1, $2, $3, passage.ordinal, passage.page, passage.first, passage.past,
    passage.boxes::json, passage.heading_path::json, passage.content, passage.table_header, passage.embedded_sha256
from unnest(
    $4::uuid[], $5::integer[], $6::integer[], $7::integer[], $8::integer[], $9::text[], $10::text[], $11::text[],
    $12::text[], $13::bytea[]
) as passage (
    id, ordinal, page, first, past, boxes, heading_path, content, table_header, embedded_sha256
)
