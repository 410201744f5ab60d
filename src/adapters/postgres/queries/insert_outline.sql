insert into outlines (document_id, version, clauses, structure) values ($1, $2, $3::text::json, $4::text::json)
