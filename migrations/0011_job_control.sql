-- Jobs are stopped and begun again, and their users take turns.
alter table jobs drop constraint jobs_state_check;
alter table jobs add constraint jobs_state_check
    check (state in ('ready', 'running', 'succeeded', 'failed', 'stopped'));

alter table jobs
    add column requested_by uuid,                     -- whose turn it is
    add column begins text not null default 'read',   -- with which stage, where what is stored allows it
    add column redo boolean not null default false,   -- its version is whole and stays as it is until all is there
    add column later boolean not null default false,  -- after a failure: behind the new files of the same user
    add column failed_stage text,                     -- in which its last attempt ended
    add constraint jobs_begins_check check (begins in ('read', 'chunk', 'embed'));
update jobs
set requested_by = versions.uploaded_by
from versions
where versions.document_id = jobs.document_id and versions.number = jobs.version;
alter table jobs alter column requested_by set not null;
alter table jobs
    add constraint jobs_requested_by_fkey foreign key (requested_by) references users (id);
create index jobs_turn_idx on jobs (requested_by, later, run_at, id) where state = 'ready';
create index jobs_state_idx on jobs (state, id);

-- When a job of a user was last taken. Who comes for the first time comes first.
create table turns (
    user_id   uuid        not null,
    served_at timestamptz not null default '-infinity',
    constraint turns_pkey primary key (user_id),
    constraint turns_user_id_fkey foreign key (user_id) references users (id) on delete cascade
) with (fillfactor = 50);
insert into turns (user_id) select distinct requested_by from jobs;
grant select, insert, update, delete on turns to docent_app;

-- What a stored text was read with and its passages were cut and embedded with, which job stored them, and what else of
-- the reader's findings cutting needs: an attempt goes on from here where nothing of that would be another now.
alter table outlines
    add column read_with text,
    add column cut_with text,
    add column stored_by uuid,
    add column reading json;
