insert into texts (document_id, version, first, past, content)
select $1, $2, piece.first, piece.past, piece.content
from unnest($3::integer[], $4::integer[], $5::text[]) as piece (first, past, content)
