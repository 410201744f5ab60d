insert into sketches (document_id, version, collection_id, signature, bands)
values ($1, $2, $3, $4, $5)
