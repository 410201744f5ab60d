create table users (
    id            uuid        not null,
    name          text        not null,
    password_hash text        not null,
    roles         text[]      not null,
    disabled      boolean     not null default false,
    created_at    timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint users_name_check check (char_length(name) between 1 and 200),
    constraint users_roles_check check (roles <@ array['viewer', 'contributor', 'admin', 'auditor'])
);
-- `Ada` and `ada` would be taken for one person.
create unique index users_name_key on users (lower(name));

create table sessions (
    secret_hash bytea       not null,
    csrf        text        not null,
    user_id     uuid        not null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    constraint sessions_pkey primary key (secret_hash),
    constraint sessions_secret_hash_check check (octet_length(secret_hash) = 32),
    constraint sessions_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);
create index sessions_user_id_idx on sessions (user_id);
create index sessions_expires_at_idx on sessions (expires_at);

create table api_keys (
    id          uuid        not null,
    secret_hash bytea       not null,
    user_id     uuid        not null,
    name        text        not null,
    prefix      text        not null,
    created_at  timestamptz not null,
    revoked_at  timestamptz,
    constraint api_keys_pkey primary key (id),
    constraint api_keys_secret_hash_key unique (secret_hash),
    constraint api_keys_secret_hash_check check (octet_length(secret_hash) = 32),
    constraint api_keys_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);
create index api_keys_user_id_idx on api_keys (user_id);

create table collections (
    id         uuid        not null,
    name       text        not null,
    created_by uuid        not null,
    created_at timestamptz not null default now(),
    constraint collections_pkey primary key (id),
    constraint collections_name_key unique (name),
    constraint collections_name_check check (char_length(name) between 1 and 200),
    constraint collections_created_by_fkey foreign key (created_by) references users (id)
);

create table grants (
    user_id       uuid not null,
    collection_id uuid not null,
    permission    text not null,
    constraint grants_pkey primary key (user_id, collection_id),
    constraint grants_permission_check check (permission in ('read', 'write')),
    constraint grants_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint grants_collection_id_fkey foreign key (collection_id) references collections (id) on delete cascade
);
create index grants_collection_id_idx on grants (collection_id);

grant select, insert, update, delete on users, sessions, api_keys, collections, grants to docent_app;
