insert into pages (document_id, version, number, first, past, layout)
select $1, $2, page.number, page.first, page.past, page.layout::json
from unnest($3::integer[], $4::integer[], $5::integer[], $6::text[]) as page (number, first, past, layout)
