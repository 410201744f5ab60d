-- The Merkle tree over the log (RFC 6962): hashes in the order in which leaves complete them, each leaf's own first, and
-- what the log signed of itself after each batch. What these mean is written in docs/audit-format.md.
create table audit.node (
    position bigint not null,
    hash     bytea  not null,
    constraint node_pkey primary key (position),
    constraint node_position_check check (position >= 0),
    constraint node_hash_check check (octet_length(hash) = 32)
);

create table audit.checkpoint (
    size      bigint      not null, -- how many leaves
    root      bytea       not null,
    note      text        not null, -- C2SP tlog-checkpoint
    signed_at timestamptz not null default now(),
    constraint checkpoint_pkey primary key (size),
    constraint checkpoint_size_check check (size > 0),
    constraint checkpoint_root_check check (octet_length(root) = 32)
);

-- What witnesses signed of it, too.
create table audit.cosignature (
    size      bigint      not null,
    witness   text        not null, -- the name of its key
    line      text        not null, -- C2SP tlog-cosignature
    signed_at timestamptz not null default now(),
    constraint cosignature_pkey primary key (size, witness),
    constraint cosignature_size_fkey foreign key (size) references audit.checkpoint (size)
);

-- The tree of what was recorded before there was one.
do $$
declare
    entry record;
    frontier bytea[] := '{}';
    node bytea;
    leaves bigint;
    next bigint := 0;
begin
    for entry in select leaf_index, leaf_hash from audit.entry order by leaf_index loop
        node := entry.leaf_hash;
        insert into audit.node (position, hash) values (next, node);
        next := next + 1;
        leaves := entry.leaf_index;
        while leaves % 2 = 1 loop
            node := sha256('\x01'::bytea || frontier[cardinality(frontier)] || node);
            frontier := frontier[:cardinality(frontier) - 1];
            insert into audit.node (position, hash) values (next, node);
            next := next + 1;
            leaves := leaves / 2;
        end loop;
        frontier := frontier || node;
    end loop;
end
$$;

create trigger node_rows before update or delete on audit.node
    for each row execute function audit.refuse();
create trigger node_truncate before truncate on audit.node
    for each statement execute function audit.refuse();
create trigger checkpoint_rows before update or delete on audit.checkpoint
    for each row execute function audit.refuse();
create trigger checkpoint_truncate before truncate on audit.checkpoint
    for each statement execute function audit.refuse();
create trigger cosignature_rows before update or delete on audit.cosignature
    for each row execute function audit.refuse();
create trigger cosignature_truncate before truncate on audit.cosignature
    for each statement execute function audit.refuse();

alter table audit.node enable always trigger node_rows;
alter table audit.node enable always trigger node_truncate;
alter table audit.checkpoint enable always trigger checkpoint_rows;
alter table audit.checkpoint enable always trigger checkpoint_truncate;
alter table audit.cosignature enable always trigger cosignature_rows;
alter table audit.cosignature enable always trigger cosignature_truncate;

-- A checkpoint with all that was signed of it.
create view audit.signed_checkpoint as
select
    checkpoint.size,
    checkpoint.root,
    checkpoint.note || coalesce(
        (
            select string_agg(cosignature.line || e'\n', '' order by cosignature.witness)
            from audit.cosignature
            where cosignature.size = checkpoint.size
        ),
        ''
    ) as note
from audit.checkpoint;

grant select, insert on audit.node, audit.checkpoint, audit.cosignature to docent_app;
grant select on audit.signed_checkpoint to docent_app;
