-- Files that came in again since are needed; once erased, only late vectors can be left.
select
    document_id,
    collection_id,
    request_id,
    erased_at is not null as "erased!",
    array(
        select file
        from unnest(files) as file
        where erased_at is null and not exists (
            select from versions
            where versions.collection_id = erasures.collection_id and versions.sha256 = file
        )
    ) as "files!"
from erasures
where requested_at < now() - $1::double precision * interval '1 second'
order by requested_at
limit $2
