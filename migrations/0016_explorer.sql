-- What entries are found by, beside their own columns. No evidence: all of it comes from leaves and sealed content.
create table audit.mark (
    leaf_index bigint   not null,
    event_id   uuid     not null,
    words      bigint[] not null, -- of the content, under a key (a blind index); emptied when the content is erased
    tags       text[]   not null, -- of the leaf, such as `verdict:unsupported`
    constraint mark_pkey primary key (leaf_index),
    constraint mark_event_id_key unique (event_id),
    constraint mark_event_id_fkey foreign key (event_id) references audit.entry (event_id)
);
create index mark_words_idx on audit.mark using gin (words);
create index mark_tags_idx on audit.mark using gin (tags);
create index entry_kind_idx on audit.entry (kind, leaf_index);
create index entry_outcome_idx on audit.entry (outcome, leaf_index) where outcome is not null;

-- How far people are with a question. No row: nobody has looked yet. Changed by entries alone, as in 0015.
create table audit.review (
    intent     uuid        not null,
    state      text        not null,
    changed_by uuid        not null,
    changed_at timestamptz not null,
    constraint review_pkey primary key (intent),
    constraint review_intent_fkey foreign key (intent) references audit.entry (event_id),
    constraint review_state_check check (
        state in ('in_review', 'cleared', 'violation_proposed', 'violation', 'escalated')
    )
);
create index review_state_idx on audit.review (state);

-- From where the entry says it was to where its outcome says; a violation takes two, and nobody judges their own question.
create function audit.review_question(event uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    recorded audit.entry := audit.recording_person(event, 'review.changed');
    asked audit.entry;
    now_at audit.review;
begin
    -- Locked, since there may be no row of the review yet.
    perform pg_advisory_xact_lock(hashtextextended(recorded.reference::text, 0));
    select e.* into asked from audit.entry as e
    where e.event_id = recorded.reference and audit.is_intent(e.kind);
    if not found then
        perform audit.turn_down('review_question', 'there is no such question');
    end if;
    if recorded.actor = asked.actor then
        perform audit.turn_down('review_own', 'nobody reviews their own question');
    end if;
    select r.* into now_at from audit.review as r where r.intent = asked.event_id;
    if audit.said(recorded) ->> 'from' is distinct from coalesce(now_at.state, 'new') then
        perform audit.turn_down('review_moved', 'somebody else took a step meanwhile');
    end if;
    if recorded.outcome = 'violation'
        and (now_at.state is distinct from 'violation_proposed' or now_at.changed_by = recorded.actor)
    then
        perform audit.turn_down('review_second', 'a second person has to confirm a violation');
    end if;
    insert into audit.review (intent, state, changed_by, changed_at)
    values (asked.event_id, recorded.outcome, recorded.actor, recorded.recorded_at)
    on conflict on constraint review_pkey do update
    set state = excluded.state, changed_by = excluded.changed_by, changed_at = excluded.changed_at;
end
$$;

-- Searches of the explorer that an auditor keeps.
create table saved_views (
    owner uuid not null,
    name  text not null,
    query text not null, -- of the list's address
    constraint saved_views_pkey primary key (owner, name),
    constraint saved_views_owner_fkey foreign key (owner) references users (id) on delete cascade
);

revoke all on function audit.review_question from public;
grant execute on function audit.review_question to docent_app;
grant select, insert on audit.mark to docent_app;
grant select on audit.review to docent_app;
grant select, insert, update, delete on saved_views to docent_app;
