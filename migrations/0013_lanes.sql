-- Jobs go through the queue more than once. In the lane of words a text is read and can be found by its words; in the lane
-- of vectors, which takes a hundred times as long, it is embedded, in turns. What takes long and cannot be parted (pages
-- that are pictures, a whole version made anew) has a lane of its own between the two. So no text waits to be found for
-- the work of another.
alter table jobs
    add column lane text not null default 'words',
    add constraint jobs_lane_check check (lane in ('words', 'long', 'vectors'));
update jobs set lane = 'long' where redo and state in ('ready', 'running');
drop index jobs_turn_idx;
-- What waits comes in the order of `run_at`: a retry behind what came before it, not behind what comes after.
alter table jobs drop column later;
create index jobs_turn_idx on jobs (lane, requested_by, run_at, id) where state = 'ready';

alter table turns add column lane text not null default 'words';
alter table turns alter column lane drop default;
alter table turns drop constraint turns_pkey;
alter table turns add constraint turns_pkey primary key (user_id, lane);
alter table turns add constraint turns_lane_check check (lane in ('words', 'long', 'vectors'));
insert into turns (user_id, lane)
select turns.user_id, lanes.lane
from turns, (values ('long'), ('vectors')) as lanes (lane);

-- Its words are in the index.
alter table outlines add column worded boolean not null default false;

-- What is not visible any more has no end of its visibility: what makes it visible again would begin after it.
update versions set visible_until = null where visible_since is null and visible_until is not null;
