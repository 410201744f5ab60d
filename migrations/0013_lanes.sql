-- Jobs go through the queue twice. In the lane of words a text is read and can be found by its words; in the lane of
-- vectors, which takes a hundred times as long, it is embedded. So no text waits for the vectors of another.
alter table jobs
    add column lane text not null default 'words',
    add constraint jobs_lane_check check (lane in ('words', 'vectors'));
update jobs set lane = 'vectors' where redo and state in ('ready', 'running');
drop index jobs_turn_idx;
create index jobs_turn_idx on jobs (lane, requested_by, later, run_at, id) where state = 'ready';

alter table turns add column lane text not null default 'words';
alter table turns alter column lane drop default;
alter table turns drop constraint turns_pkey;
alter table turns add constraint turns_pkey primary key (user_id, lane);
alter table turns add constraint turns_lane_check check (lane in ('words', 'vectors'));
insert into turns (user_id, lane) select user_id, 'vectors' from turns;
