insert into outlines (document_id, version, clauses, structure, read_with, cut_with, stored_by, reading)
values ($1, $2, $3::text::json, $4::text::json, $5, $6, $7, $8::text::json)
