-- Jobs that are taken before this one in its lane if none of them fails: the user's own before it, and as many of each
-- other user as that makes turns. A user may come first in each round, so it is the most.
with this as (
    select id, lane, requested_by, run_at from jobs where id = $1 and state = 'ready'
),
own as (
    select count(*) as before
    from jobs, this
    where jobs.state = 'ready'
        and jobs.lane = this.lane
        and jobs.requested_by = this.requested_by
        and (jobs.run_at, jobs.id) < (this.run_at, this.id)
),
others as (
    select least(count(*), own.before + 1) as before
    from jobs, this, own
    where jobs.state = 'ready' and jobs.lane = this.lane and jobs.requested_by <> this.requested_by
    group by jobs.requested_by, own.before
)
select (own.before + coalesce((select sum(before) from others), 0))::bigint as "before!"
from own, this
