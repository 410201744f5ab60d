insert into passages (
    id, document_id, version, collection_id, ordinal, page, first, past, boxes, heading_path, content
)
select
    passage.id, $1, $2, $3, passage.ordinal, passage.page, passage.first, passage.past,
    passage.boxes::json, passage.heading_path::json, passage.content
from unnest(
    $4::uuid[], $5::integer[], $6::integer[], $7::integer[], $8::integer[], $9::text[], $10::text[], $11::text[]
) as passage (id, ordinal, page, first, past, boxes, heading_path, content)
