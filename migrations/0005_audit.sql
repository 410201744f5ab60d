create schema audit;

-- Append-only: nobody has a grant to change or remove a row, and a trigger refuses the owner as well. The bytes of
-- `leaf` are the record; the other columns are copies of what stands in it, to search by.
create table audit.entry (
    leaf_index  bigint      not null,
    event_id    uuid        not null,
    kind        text        not null,
    reference   uuid,
    recorded_at timestamptz not null,
    actor       uuid,
    documents   uuid[]      not null default '{}',
    outcome     text,
    boot        uuid        not null,
    leaf        bytea       not null,
    leaf_hash   bytea       not null,
    constraint entry_pkey primary key (leaf_index),
    constraint entry_event_id_key unique (event_id),
    constraint entry_leaf_index_check check (leaf_index >= 0),
    constraint entry_kind_check check (kind ~ '^[a-z_]+\.[a-z_]+$'),
    constraint entry_leaf_check check (octet_length(leaf) between 2 and 65535),
    constraint entry_leaf_hash_check check (leaf_hash = sha256('\x00'::bytea || leaf)) -- RFC 6962, section 2.1
);

create function audit.is_intent(kind text) returns boolean language sql immutable
    return kind in ('chat.intent', 'search.intent');

create function audit.is_outcome(kind text) returns boolean language sql immutable
    return kind in (
        'chat.completed', 'chat.refused', 'chat.failed', 'chat.abandoned',
        'search.completed', 'search.refused', 'search.failed', 'search.abandoned'
    );

-- Whoever comes second with an outcome for an intent loses: an answer that was given up cannot still be released.
create unique index entry_one_outcome_key on audit.entry (reference) where audit.is_outcome(kind);
create index entry_reference_idx on audit.entry (reference) where reference is not null;
create index entry_recorded_at_idx on audit.entry (recorded_at);
create index entry_actor_idx on audit.entry (actor, leaf_index);
create index entry_documents_idx on audit.entry using gin (documents);
create index entry_intents_idx on audit.entry (boot) where audit.is_intent(kind);

-- Content of entries, each under its own key. Deleting a row erases the content and leaves every proof valid.
create table audit.sealed (
    event_id    uuid  not null,
    wrapped_key bytea not null,
    ciphertext  bytea not null,
    constraint sealed_pkey primary key (event_id),
    constraint sealed_event_id_fkey foreign key (event_id) references audit.entry (event_id)
);

create function audit.refuse() returns trigger language plpgsql as $$
begin
    raise exception 'audit.% is append-only: % refused', tg_table_name, lower(tg_op)
        using errcode = 'insufficient_privilege';
end
$$;

create trigger entry_rows before update or delete on audit.entry
    for each row execute function audit.refuse();
create trigger entry_truncate before truncate on audit.entry
    for each statement execute function audit.refuse();
create trigger sealed_rows before update on audit.sealed
    for each row execute function audit.refuse();
create trigger sealed_truncate before truncate on audit.sealed
    for each statement execute function audit.refuse();

-- `always`: a session that calls itself a replica does not slip past.
alter table audit.entry enable always trigger entry_rows;
alter table audit.entry enable always trigger entry_truncate;
alter table audit.sealed enable always trigger sealed_rows;
alter table audit.sealed enable always trigger sealed_truncate;

-- Runs of the service that may have left intents without outcome: a row goes when its run is dead and all are closed.
create table service_boots (
    boot       uuid        not null,
    node       text,                 -- none until it has said so
    started_at timestamptz not null default now(),
    seen_at    timestamptz not null default now(),
    constraint service_boots_pkey primary key (boot)
) with (fillfactor = 70);

grant usage on schema audit to docent_app;
grant select, insert on audit.entry to docent_app;
grant select, insert, delete on audit.sealed to docent_app;
grant select, insert, update, delete on service_boots to docent_app;
