-- How long sealed content is kept, who may have it erased before, and what keeps it all the same. Every change here is made
-- by a function that is given the entry which records it, in that entry's transaction: what nobody recorded cannot happen.
-- The service's role has no right of its own to change or remove any of it.
alter table audit.sealed
    add column class text not null default 'interactions',
    add column kept_until timestamptz not null default now() + interval '24 months',
    -- before that, not even two people may have it erased
    add column binding boolean not null default false;
alter table audit.sealed
    alter column class drop default,
    alter column kept_until drop default,
    alter column binding drop default,
    add constraint sealed_class_check check (class in ('interactions', 'administration'));
create index sealed_kept_until_idx on audit.sealed (kept_until);
revoke delete on audit.sealed from docent_app;

-- A wish to have content erased. It begins with the entry that says so, and concerns what was recorded before it.
create table audit.erasure (
    erasure_id uuid        not null,
    scope      text        not null,
    subject    uuid        not null,
    reason     text        not null,
    asked_by   uuid,                 -- none: the service itself, since a document was deleted
    asked_at   timestamptz not null,
    outcome    text,
    ended_at   timestamptz,
    constraint erasure_pkey primary key (erasure_id),
    constraint erasure_erasure_id_fkey foreign key (erasure_id) references audit.entry (event_id),
    constraint erasure_scope_check check (scope in ('question', 'person', 'document')),
    constraint erasure_outcome_check check (outcome in ('erased', 'refused')),
    constraint erasure_ended_check check ((outcome is null) = (ended_at is null))
);

-- Whoever asks has approved by that.
create table audit.approval (
    erasure_id  uuid        not null,
    approver    uuid        not null,
    approved_at timestamptz not null,
    constraint approval_pkey primary key (erasure_id, approver),
    constraint approval_erasure_id_fkey foreign key (erasure_id) references audit.erasure (erasure_id)
);

-- Whose content is gone, and the entry that says why.
create table audit.erased (
    event_id  uuid not null,
    erased_by uuid not null,
    constraint erased_pkey primary key (event_id),
    constraint erased_event_id_fkey foreign key (event_id) references audit.entry (event_id),
    constraint erased_erased_by_fkey foreign key (erased_by) references audit.entry (event_id)
);

-- What must not be erased while it stands, whatever anybody approved and whatever time is over.
create table audit.hold (
    hold_id   uuid        not null,
    scope     text        not null,
    subject   uuid        not null,
    placed_by uuid        not null,
    placed_at timestamptz not null,
    lifted_by uuid,
    lifted_at timestamptz,
    constraint hold_pkey primary key (hold_id),
    constraint hold_hold_id_fkey foreign key (hold_id) references audit.entry (event_id),
    constraint hold_scope_check check (scope in ('question', 'person', 'document')),
    constraint hold_lifted_check check ((lifted_by is null) = (lifted_at is null))
);
create index hold_standing_idx on audit.hold (subject) where lifted_at is null;

-- The question or search that an entry belongs to, over one or two steps: an intent itself, its outcome and sentences, a replay
-- or a view of these. Of other entries, what they refer to, or themselves.
create function audit.question_of(entry audit.entry) returns uuid language sql stable
    return coalesce(
        (select parent.reference from audit.entry as parent where parent.event_id = entry.reference),
        entry.reference,
        entry.event_id
    );

create function audit.belongs_to_questions(kind text) returns boolean language sql immutable
    return split_part(kind, '.', 1) in ('chat', 'search');

-- Whether an entry is within a scope: of a question all that belongs to it; of a person what they did and all that belongs to
-- their questions; of a document all that belongs to questions that named or were shown it.
create function audit.covers(scope text, subject uuid, entry audit.entry) returns boolean language sql stable
    return case scope
        when 'question' then audit.question_of(entry) = subject
        when 'person' then
            entry.actor = subject
            or exists (
                select from audit.entry as asked
                where asked.event_id = audit.question_of(entry)
                    and asked.actor = subject
                    and audit.is_intent(asked.kind)
            )
        when 'document' then
            exists (
                select from audit.entry as naming
                where audit.question_of(entry) in (naming.event_id, naming.reference)
                    and naming.documents @> array[subject]
                    and audit.belongs_to_questions(naming.kind)
            )
    end;

-- Entries of a scope whose content is still there: the same said so that indexes find them.
create function audit.sealed_within(scope text, subject uuid, before timestamptz) returns setof uuid
    language sql stable
begin atomic
    with question as (
        select subject as id where scope = 'question'
        union
        select audit.question_of(naming) from audit.entry as naming
        where scope = 'document'
            and naming.documents @> array[subject]
            and audit.belongs_to_questions(naming.kind)
        union
        select asked.event_id from audit.entry as asked
        where scope = 'person' and asked.actor = subject and audit.is_intent(asked.kind)
    ),
    within as (
        select id from question
        union
        select child.event_id from question inner join audit.entry as child on child.reference = question.id
        union
        select grandchild.event_id
        from question
        inner join audit.entry as child on child.reference = question.id
        inner join audit.entry as grandchild on grandchild.reference = child.event_id
        union
        select own.event_id from audit.entry as own where scope = 'person' and own.actor = subject
    )
    select entry.event_id
    from within
    inner join audit.entry on entry.event_id = within.id
    inner join audit.sealed on sealed.event_id = entry.event_id
    where entry.recorded_at < before;
end;

create function audit.is_held(entry audit.entry) returns boolean language sql stable
    return exists (
        select from audit.hold
        where hold.lifted_at is null and audit.covers(hold.scope, hold.subject, entry)
    );

-- Whether somebody asked one of the questions that entries belong to.
create function audit.concerns(person uuid, records uuid[]) returns boolean language sql stable
    return exists (
        select from audit.entry
        where entry.event_id = any(records)
            and entry.actor = person
            and audit.belongs_to_questions(entry.kind)
            and entry.kind <> 'chat.replayed'
    );

create function audit.turn_down(reason text, explanation text) returns void language plpgsql as $$
begin
    raise exception '%', explanation using errcode = 'integrity_constraint_violation', constraint = reason;
end
$$;

-- The entry that records a change: of this kind, and of this very transaction, so that none serves twice.
create function audit.recording(event uuid, expected text) returns audit.entry language plpgsql stable as $$
declare
    recorded audit.entry;
begin
    select e.* into recorded from audit.entry as e
    where e.event_id = event and e.kind = expected and e.xmin = pg_current_xact_id()::xid;
    if not found then
        perform audit.turn_down('change_recorded', 'no entry of this transaction records that');
    end if;
    return recorded;
end
$$;

-- What the entry says of the change: nothing is taken from anywhere else.
create function audit.said(recorded audit.entry) returns jsonb language sql stable
    return convert_from(recorded.leaf, 'UTF8')::jsonb -> 'facts';

-- The same, by a person who may decide: who manages users could be the second person, too.
create function audit.recording_person(event uuid, expected text) returns audit.entry language plpgsql stable as $$
declare
    recorded audit.entry := audit.recording(event, expected);
begin
    if recorded.actor is null
        or convert_from(recorded.leaf, 'UTF8')::jsonb -> 'actor' -> 'roles' @> '["admin"]'
        or not convert_from(recorded.leaf, 'UTF8')::jsonb -> 'actor' -> 'roles' @> '["auditor"]'
    then
        perform audit.turn_down('change_person', 'only an auditor who is no administrator decides that');
    end if;
    return recorded;
end
$$;

-- Puts somebody behind an erasure; nobody decides about their own records.
create function audit.approve(recorded audit.entry, erasure uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wish audit.erasure;
begin
    select e.* into wish from audit.erasure as e where e.erasure_id = erasure and e.outcome is null for update;
    if not found then
        perform audit.turn_down('erasure_waits', 'no such erasure waits');
    end if;
    if recorded.actor = wish.subject or audit.concerns(
        recorded.actor, array(select audit.sealed_within(wish.scope, wish.subject, wish.asked_at))
    ) then
        perform audit.turn_down('erasure_own', 'nobody decides about their own records');
    end if;
    insert into audit.approval (erasure_id, approver, approved_at)
    values (erasure, recorded.actor, recorded.recorded_at);
end
$$;

create function audit.ask_for_erasure(event uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    recorded audit.entry := audit.recording(event, 'erasure.requested');
    facts jsonb := audit.said(recorded);
begin
    insert into audit.erasure (erasure_id, scope, subject, reason, asked_by, asked_at)
    values (
        event, facts -> 'scope' ->> 'kind', (facts -> 'scope' ->> 'id')::uuid, facts ->> 'reason', recorded.actor,
        recorded.recorded_at
    );
    if recorded.actor is not null then
        perform audit.approve(audit.recording_person(event, 'erasure.requested'), event);
    end if;
end
$$;

create function audit.approve_erasure(event uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    recorded audit.entry := audit.recording_person(event, 'erasure.approved');
begin
    perform audit.approve(recorded, recorded.reference);
end
$$;

create function audit.refuse_erasure(event uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    recorded audit.entry := audit.recording_person(event, 'erasure.refused');
begin
    update audit.erasure
    set outcome = 'refused', ended_at = recorded.recorded_at
    where erasure_id = recorded.reference and outcome is null and subject <> recorded.actor;
    if not found then
        perform audit.turn_down('erasure_waits', 'no such erasure waits for this person');
    end if;
end
$$;

-- Destroys keys and ciphertexts of the entries that the entry lists: those of an erasure that two people approved, neither of
-- whom it is about; of a document that is deleted; or whose time is over. Answers as their askers keep them go with them.
create function audit.erase(event uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    recorded audit.entry := audit.recording(event, 'record.erased');
    records uuid[] := array(select jsonb_array_elements_text(audit.said(recorded) -> 'records'));
    wish audit.erasure;
    approvals bigint;
begin
    perform from audit.sealed where event_id = any(records) for update;
    if (select count(*) from audit.sealed where event_id = any(records)) <> cardinality(records) then
        perform audit.turn_down('erasure_waits', 'somebody else was first');
    end if;
    if exists (select from audit.entry as e where e.event_id = any(records) and audit.is_held(e)) then
        perform audit.turn_down('erasure_held', 'a legal hold is in force');
    end if;
    if exists (select from audit.sealed where event_id = any(records) and binding and kept_until > now()) then
        perform audit.turn_down('erasure_binding', 'its time is not over');
    end if;
    if recorded.reference is null then
        if exists (select from audit.sealed where event_id = any(records) and kept_until > now()) then
            perform audit.turn_down('erasure_binding', 'its time is not over');
        end if;
    else
        select e.* into wish from audit.erasure as e
        where e.erasure_id = recorded.reference and e.outcome is null for update;
        if not found then
            perform audit.turn_down('erasure_waits', 'no such erasure waits');
        end if;
        if exists (
            select from audit.entry as e
            where e.event_id = any(records)
                and not (e.recorded_at < wish.asked_at and audit.covers(wish.scope, wish.subject, e))
        ) then
            perform audit.turn_down('erasure_scope', 'a record is beyond what was asked for');
        end if;
        select count(*) into approvals from audit.approval where erasure_id = wish.erasure_id;
        if wish.asked_by is not null and approvals < 2 then
            perform audit.turn_down('erasure_approved', 'two people have to approve');
        end if;
        if wish.asked_by is null and (
            wish.scope <> 'document' or not exists (
                select from audit.entry as e
                where e.kind = 'document.deletion_requested' and e.documents @> array[wish.subject]
            )
        ) then
            perform audit.turn_down('erasure_approved', 'nobody asked for it');
        end if;
    end if;
    delete from public.answers
    where id in (
        select unnest(array[e.event_id, e.reference]) from audit.entry as e
        where e.event_id = any(records) and split_part(e.kind, '.', 1) = 'chat'
    );
    delete from audit.sealed where event_id = any(records);
    update audit.mark set words = '{}' where event_id = any(records); -- of the next migration
    insert into audit.erased (event_id, erased_by) select unnest(records), event;
    if wish.erasure_id is not null
        and not exists (select from audit.sealed_within(wish.scope, wish.subject, wish.asked_at))
    then
        update audit.erasure set outcome = 'erased', ended_at = recorded.recorded_at
        where erasure_id = wish.erasure_id;
    end if;
end
$$;

create function audit.place_hold(event uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    recorded audit.entry := audit.recording_person(event, 'hold.placed');
    scope jsonb := audit.said(recorded) -> 'scope';
begin
    insert into audit.hold (hold_id, scope, subject, placed_by, placed_at)
    values (event, scope ->> 'kind', (scope ->> 'id')::uuid, recorded.actor, recorded.recorded_at);
end
$$;

-- By somebody else than who placed it, and not by whom it is about: a hold that one person can lift holds nobody back.
create function audit.lift_hold(event uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    recorded audit.entry := audit.recording_person(event, 'hold.lifted');
begin
    update audit.hold
    set lifted_by = recorded.actor, lifted_at = recorded.recorded_at
    where hold_id = recorded.reference
        and lifted_at is null
        and placed_by <> recorded.actor
        and subject <> recorded.actor
        and not exists (
            select from audit.entry as asked
            where hold.scope = 'question' and asked.event_id = hold.subject and asked.actor = recorded.actor
        );
    if not found then
        perform audit.turn_down('hold_stands', 'no hold stands that this person may lift');
    end if;
end
$$;

create trigger approval_rows before update or delete on audit.approval
    for each row execute function audit.refuse();
create trigger erased_rows before update or delete on audit.erased
    for each row execute function audit.refuse();
alter table audit.approval enable always trigger approval_rows;
alter table audit.erased enable always trigger erased_rows;

revoke all on function
    audit.approve, audit.ask_for_erasure, audit.approve_erasure, audit.refuse_erasure, audit.erase, audit.place_hold,
    audit.lift_hold
    from public;
grant execute on function
    audit.ask_for_erasure, audit.approve_erasure, audit.refuse_erasure, audit.erase, audit.place_hold, audit.lift_hold
    to docent_app;
grant select on audit.erasure, audit.approval, audit.erased, audit.hold to docent_app;
