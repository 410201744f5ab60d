-- What is whole already can be found: what takes its place is made in one piece.
with turn as (
    insert into turns (user_id, lane)
    select $6, lane
    from (values ('words'), ('long'), ('vectors')) as lanes (lane)
    on conflict on constraint turns_pkey do nothing
)
insert into jobs (id, document_id, version, collection_id, max_attempts, requested_by, begins, redo, lane)
values ($1, $2, $3, $4, $5, $6, $7, $8, case when $8 then 'long' else 'words' end)
