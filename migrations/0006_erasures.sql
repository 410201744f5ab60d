-- What of deleted documents may still lie outside of Postgres. A row comes with the deletion and goes when index and
-- files were asked again and had nothing left, so that a kill between the two leaves nothing behind for good.
create table erasures (
    document_id   uuid        not null,
    collection_id uuid        not null,
    files         text[]      not null,
    request_id    uuid        not null,
    requested_at  timestamptz not null default now(),
    erased_at     timestamptz,
    constraint erasures_pkey primary key (document_id)
);
create index erasures_requested_idx on erasures (requested_at);

grant select, insert, update, delete on erasures to docent_app;
