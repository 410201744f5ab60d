with
    no_texts as (delete from texts where document_id = $1 and version = $2),
    no_pages as (delete from pages where document_id = $1 and version = $2),
    no_sketch as (delete from sketches where document_id = $1 and version = $2),
    no_outline as (delete from outlines where document_id = $1 and version = $2)
delete from passages where document_id = $1 and version = $2
