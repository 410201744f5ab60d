with turn as (
    insert into turns (user_id) values ($6) on conflict on constraint turns_pkey do nothing
)
insert into jobs (id, document_id, version, collection_id, max_attempts, requested_by, begins, redo, later)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
