-- The clauses of a version as a tree. They are looked up by address in the service: one row holds them all, opaque JSON
-- as in 0003.
create table outlines (
    document_id uuid    not null,
    version     integer not null,
    clauses     json    not null,
    constraint outlines_pkey primary key (document_id, version),
    constraint outlines_version_fkey
        foreign key (document_id, version) references versions (document_id, number) on delete cascade
);
grant select, insert, update, delete on outlines to docent_app;
