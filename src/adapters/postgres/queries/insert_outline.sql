insert into outlines (document_id, version, clauses) values ($1, $2, $3::text::json)
