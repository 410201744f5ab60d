-- Answers as they were given, for those who asked. The audit log has its own copy, sealed.
create table answers (
    id          uuid        not null,
    asker       uuid        not null,
    collections uuid[]      not null, -- where its passages lie
    body        json        not null,
    created_at  timestamptz not null default now(),
    constraint answers_pkey primary key (id),
    constraint answers_asker_fkey foreign key (asker) references users (id) on delete cascade
);
create index answers_asker_idx on answers (asker, id);

grant select, insert, update, delete on answers to docent_app;
