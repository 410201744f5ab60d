-- A new version keeps the title that was given to the one before, unless it brings its own.
insert into versions (
    document_id, number, collection_id, sha256, bytes, file_name, given_title, job_id, uploaded_by, password
)
values (
    $1, $2, $3, $4, $5, $6,
    coalesce($7, (select given_title from versions where document_id = $1 and number = $2 - 1)),
    $8, $9, $10
)
on conflict on constraint versions_sha256_key do nothing
