update versions
set media_type = $3,
    read_title = $4,
    pages = $5,
    passages = $6,
    coverage = $7::text::json,
    warnings = $8::text::json
where document_id = $1 and number = $2
