select first, content from texts where document_id = $1 and version = $2 and first >= $3 order by first limit $4
