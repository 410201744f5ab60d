select
    id as "id!",
    collection_id as "collection_id!",
    title as "title!",
    status as "status!",
    visible as "visible!",
    whole as "whole!",
    version as "version!",
    sha256 as "sha256!",
    media_type as "media_type!",
    bytes as "bytes!",
    file_name as "file_name!",
    uploaded_at as "uploaded_at!",
    pages as "pages!",
    passages as "passages!",
    coverage as "coverage: Json<Coverage>",
    warnings as "warnings!: Json<Vec<Warning>>",
    error as "error: Json<Warning>",
    job_id as "job_id!",
    created_at as "created_at!"
from shown_documents
where collection_id = $1
    and collection_id = any($2)
    and ($3::uuid is null or id < $3)
order by id desc
limit $4
